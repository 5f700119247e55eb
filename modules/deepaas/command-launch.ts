import { freePort, type Launch } from './deepaas-server.ts';

/**
 * The server that a command of somebody else's starts, such as `deepaas-run` inside of a container. It is told where to
 * listen by the options that every DEEPaaS has.
 */
export async function commandLaunch(
  argv: readonly string[],
  { model, workFolder, environment }: Pick<Launch, 'model' | 'workFolder' | 'environment'>,
): Promise<Launch> {
  const host = '127.0.0.1';
  const port = await freePort(host);
  return {
    argv: [...argv, '--listen-ip', host, '--listen-port', String(port)],
    environment: {
      PYTHONUNBUFFERED: '1',
      ...(model === null ? {} : { DEEPAAS_V2_MODEL: model }),
      ...environment,
    },
    workFolder,
    output: 'pass',
    port,
    url: `http://${host}:${port}`,
    model,
    endsWithUs: false,
  };
}
