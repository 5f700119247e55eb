import { request as send } from 'undici';
import type { Dispatcher } from 'undici';
import { BackendError } from '../contract/error.ts';
import type { InvokeRequest } from '../contract/service-runner.ts';
import { statusMessage } from './errors.ts';
import { paths } from './names.ts';
import { podOf } from './observe-service.ts';
import { type Answer, readAnswer } from '../server-pool/answer.ts';
import type { Passed, PoolServer } from '../server-pool/server-pool.ts';
import type { Site } from './site.ts';

export interface PodServer extends PoolServer {
  readonly podIP: string | null;
}

/** One request to one server: through the API server, or straight to the pod where we reach it. */
export async function pass(
  site: Site,
  server: PodServer,
  request: InvokeRequest,
  signal: AbortSignal,
): Promise<Passed> {
  const both = AbortSignal.any([signal, site.closing]);
  let begun = false;
  try {
    const answer = await sent(site, server, request, both);
    begun = true;
    const response = await readAnswer(answer, site.settings.answerLimitMiB * 1024 * 1024);
    const words = site.settings.invoke.kind === 'proxy' ? proxysOwnWords(response) : null;
    return words ?? { kind: 'ANSWER', response };
  } catch (error) {
    site.assertOpen('invoke');
    const failure = error instanceof Error ? error : new Error(String(error));
    const isRefused = (failure as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    if (isRefused) return { kind: 'ERROR', error: failure, reached: 'NOBODY' };
    return { kind: 'ERROR', error: failure, reached: begun ? 'BEGUN' : 'SERVER' };
  }
}

async function sent(
  site: Site,
  server: PodServer,
  { method, path, headers, body }: InvokeRequest,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const { invoke, servicePort } = site.settings;
  const pod = podOf(server.id);
  const namespace = await site.client.namespace();
  if (invoke.kind === 'proxy') {
    const address = `${paths.pods(namespace)}/${pod}:${servicePort}/proxy${path}`;
    return site.client.pass(address, { method, headers: { ...headers }, body }, signal);
  }
  const origin = invoke.template
    .replaceAll('{podIP}', server.podIP ?? '')
    .replaceAll('{pod}', pod)
    .replaceAll('{namespace}', namespace)
    .replaceAll('{port}', String(servicePort));
  const limits = { headersTimeout: 0, bodyTimeout: 0 };
  return send(`${origin.replace(/\/$/, '')}${path}`, { method, headers, body, signal, ...limits });
}

/** What the API server says itself, as against what a module answers. */
function proxysOwnWords({ status, body }: Answer): Passed | null {
  if (status < 400) return null;
  const said = statusMessage(Buffer.from(body.subarray(0, 64 * 1024)).toString('utf8'));
  if (said === null) return null;
  if (status === 401 || status === 403) {
    const message = `Kubernetes does not let us through to the server: ${said}`;
    const error = new BackendError('Unauthorized', 'invoke', message);
    return { kind: 'ERROR', error, reached: 'BEGUN' };
  }
  const isNobody = status === 404 || /dial tcp|refused|no route|no endpoints/i.test(said);
  return { kind: 'ERROR', error: new Error(said), reached: isNobody ? 'NOBODY' : 'SERVER' };
}
