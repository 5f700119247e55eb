import 'reflect-metadata';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackendError } from '../backends/contract/error.ts';
import { StoreUnusableError } from '../store/contract/store.ts';
import { readConfig } from './config.ts';
import { ConfigError } from './settings-file.ts';
import { logger } from './log.ts';
import type { Role } from './role.ts';
import { roles } from './roles.ts';
import { exportTraces } from './telemetry/traces.ts';

// Bundled or not, this file lies one folder below the root.
const root = join(dirname(fileURLToPath(import.meta.url)), '..');

await main(process.argv.slice(2)).catch((error: unknown) => {
  const text = forAPerson(error);
  process.stderr.write(`fathom: ${text}\n`);
  process.exitCode = 1;
});

async function main(args: readonly string[]): Promise<void> {
  const [name = 'server', ...rest] = args;
  const role: Role | undefined = roles[name];
  if (role === undefined) {
    throw new ConfigError(`there is no role ${name}; there are: ${Object.keys(roles).join(', ')}.`);
  }
  const config = readConfig(root);
  const endTraces = config.tracesUrl === null ? null : await exportTraces(config.tracesUrl, name);
  const running = await role({ config, root, args: rest, log: logger(config.logLevel) });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // A second signal ends the process at once: nothing that was acknowledged depends on a graceful end.
      process.once(signal, () => process.exit(130));
      const stopped = running.stop().then(() => endTraces?.());
      stopped.then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`fathom: stopping failed: ${String(error)}\n`);
          process.exit(1);
        },
      );
    });
  }
}

/** A sentence, and the stack only when it is our own mistake. */
function forAPerson(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return `${error.message}. Stop what listens there, or give this one another port.`;
  }
  const isKnown = [ConfigError, StoreUnusableError, BackendError].some(
    (kind) => error instanceof kind,
  );
  return isKnown || code !== undefined ? error.message : (error.stack ?? error.message);
}
