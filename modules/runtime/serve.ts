import type { AddressInfo } from 'node:net';
import { openApi, type ApiOptions } from './api.ts';
import { createService } from './http-service.ts';
import type { LoadedModule } from './load-module.ts';

export interface ServeOptions extends ApiOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/**
 * Serves the DEEPaaS V2 API until SIGTERM or SIGINT. The port opens after the model has answered
 * its own sample.
 */
export async function serve(loaded: LoadedModule, options: ServeOptions): Promise<void> {
  const log = (text: string): void => void process.stderr.write(`${text}\n`);
  const { routes, close } = await openApi(loaded, options, log);
  const server = createService(routes, log);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const { name } = loaded.module;
  process.stdout.write(JSON.stringify({ type: 'listening', port, model: name }) + '\n');
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const drained = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection that was answering becomes idle only later, and would then be kept open for the
  // next request.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await close();
  await drained;
  clearInterval(sweep);
  // A model's library may keep handles open; everything of ours is closed by now.
  process.exit(0);
}
