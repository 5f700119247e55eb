import { mkdirSync } from 'node:fs';
import { bringBack } from './return.ts';
import { messageOf } from './exchange.ts';
import { fetchInputs, openToAll } from './inputs.ts';
import { type Options, readOptions, UsageError } from './options.ts';
import { Platform } from './platform.ts';
import { notStartedCode } from './program-exit.ts';
import { run } from './run.ts';
import { StopSignals } from './stop-signals.ts';

process.exitCode = await main(process.argv.slice(2));
// What may still be under way has nobody who waits for it.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));

async function main(args: readonly string[]): Promise<number> {
  // A reader of our own output that has gone is no reason to end the work.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const { FATHOM_DELIVERY_TOKEN, FATHOM_DELIVERY_TOKEN_FILE, FATHOM_DELIVERY_URL, ...environment } =
    process.env;
  try {
    const options = readOptions(args, {
      ...environment,
      FATHOM_DELIVERY_TOKEN,
      FATHOM_DELIVERY_TOKEN_FILE,
      FATHOM_DELIVERY_URL,
    });
    mkdirSync(options.work, { recursive: true });
    return await done(options, environment);
  } catch (error) {
    process.stderr.write(`fathom: ${messageOf(error)}\n`);
    return error instanceof UsageError ? 64 : notStartedCode;
  }
}

async function done(
  options: Options,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  if (options.command === 'fetch') {
    const say = (text: string): void => void process.stderr.write(`fathom: ${text}\n`);
    const manifest = await fetchInputs(new Platform({ ...options, say }), options.work);
    if (!options.isPrivate) await openToAll(options.work, manifest);
    return 0;
  }
  const signals = new StopSignals();
  if (options.command === 'return') return bringBack(options, signals);
  return run(options, environment, signals);
}
