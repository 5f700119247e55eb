import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as forward } from 'node:http';
import { sendStatus } from './faults.ts';
import type { Kubelet } from './kubelet.ts';
import type { KubeObject } from './objects.ts';

/** The log of a pod's program, as the API server passes it on from the node. */
export function sendLog(
  response: ServerResponse,
  kubelet: Kubelet,
  pod: KubeObject,
  query: URLSearchParams,
): void {
  const { name } = pod.metadata;
  if ((pod['spec'] as { nodeName?: string } | undefined)?.nodeName === undefined) {
    response.writeHead(204);
    response.end();
    return;
  }
  if (kubelet.isAway) {
    const message = `Get "https://10.0.0.1:10250/containerLogs/ml/${name}/main": dial tcp 10.0.0.1:10250: connect: no route to host`;
    sendStatus(response, 500, 'InternalError', message);
    return;
  }
  const container = kubelet.container(name, query.get('previous') === 'true');
  if (container === null) {
    const message = `container "main" in pod "${name}" is waiting to start: ContainerCreating`;
    sendStatus(response, 400, 'BadRequest', message);
    return;
  }
  const stream = query.get('stream');
  const since = Date.parse(query.get('sinceTime') ?? '1970-01-01T00:00:00Z');
  const pieces: Buffer[] = [];
  for (const line of container.log) {
    if (stream !== null && stream !== 'All' && line.stream !== stream) continue;
    if (line.at < BigInt(since) * 1_000_000n) continue;
    const seconds = new Date(Number(line.at / 1_000_000n)).toISOString().slice(0, 19);
    const fraction = (line.at % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
    const time = `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`;
    pieces.push(Buffer.from(`${time} `), line.bytes, Buffer.from(line.isWhole ? '\n' : ''));
  }
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.end(Buffer.concat(pieces));
}

/** `pods/NAME:PORT/proxy/…`: everything passes but the credentials, which were meant for the API server. */
export function sendProxied(
  request: IncomingMessage,
  response: ServerResponse,
  port: number | null,
  path: string,
): void {
  const unreachable = (why: string): void => {
    const message = `error trying to reach service: ${why}`;
    if (!response.headersSent) sendStatus(response, 503, 'ServiceUnavailable', message);
    else response.destroy();
  };
  if (port === null) {
    unreachable('dial tcp 10.0.0.1: connect: connection refused');
    return;
  }
  const { authorization: _, ...headers } = request.headers;
  const onward = forward({ host: '127.0.0.1', port, method: request.method, path, headers });
  onward.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
    answer.once('error', () => response.destroy());
  });
  onward.once('error', (error: NodeJS.ErrnoException) => {
    unreachable(error.code === 'ECONNREFUSED' ? 'dial tcp: connection refused' : 'EOF');
  });
  response.once('close', () => onward.destroy());
  request.pipe(onward);
}
