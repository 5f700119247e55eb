import Fastify from 'fastify';
import { serverOptions } from '../gateway/server-options.ts';
import { addressOf } from './address.ts';
import { ConfigError } from './settings-file.ts';
import { healthRoute, installationHealth } from './health.ts';
import { openInstallation } from './installation.ts';
import type { RoleRequest, Running } from './role.ts';
import { Metrics } from './telemetry/metrics.ts';

const defaultPort = 4009;

/**
 * `fathom worker [PORT]`: looks after the work of a state folder whose subgraphs other processes serve, as soon as none of
 * them does. It answers nothing but `/healthz`.
 */
export async function serveWorker({ config, root, args, log }: RoleRequest): Promise<Running> {
  const port = portIn(args);
  const dataUrl = config.dataUrl ?? `http://${config.host}:${config.dataPort}`;
  const installation = await openInstallation({
    config,
    root,
    log,
    dataUrl: () => dataUrl,
    access: 'shared',
  });
  const app = Fastify({ logger: false, ...serverOptions });
  const close = async (): Promise<void> => {
    await app.close();
    await installation.close();
  };
  try {
    await app.register(healthRoute(() => installationHealth('worker', installation)));
    const metrics = new Metrics('worker');
    metrics.ofInstallation(installation);
    await app.register(metrics.route);
    await app.listen({ host: config.host, port });
    await installation.lookAfterWork();
  } catch (error) {
    await close();
    throw error;
  }
  const url = addressOf(app);
  process.stdout.write(`
Fathom works on ${config.stateFolder}${installation.isOnDuty() ? '' : ' when the process that does so now has ended'}

  Health  ${url}/healthz
`);
  return { url, stop: close };
}

function portIn(args: readonly string[]): number {
  const [text = String(defaultPort), ...rest] = args;
  const port = Number(text);
  if (rest.length > 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigError('use: fathom worker [PORT], a number from 0 to 65535.');
  }
  return port;
}
