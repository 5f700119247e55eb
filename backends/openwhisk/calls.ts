import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { Answered, Invocation, Lost } from '../contract/function-runner.ts';
import type { InvokeRequest } from '../contract/service-runner.ts';
import { parsed } from './client.ts';
import { refusal } from './errors.ts';
import { largestBody } from './limits.ts';
import { actionPath, activationsPath } from './names.ts';
import { answerOf } from './observe.ts';
import type { FunctionHandle, Site } from './site.ts';
import { notFound } from './site.ts';
import { formTicket, parseTicket } from './tickets.ts';

/** The platform ends a request by itself 5 s after its patience; an answer under way gets as long again. */
const graceMs = 10_000;
/** Beside what pulling, loading and answering may take. */
const marginMs = 60_000;

/** The arguments of the action that carry a request to the module's API; see modules/runtime/README.md. */
export function argumentsOf(
  site: Site,
  { method, path, headers, body }: Omit<InvokeRequest, 'replica'>,
): string {
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const isText = /^\s*text\//i.test(lower['content-type'] ?? '');
  const bytes = body === null ? null : Buffer.from(body);
  const json = JSON.stringify({
    __ow_method: method.toLowerCase(),
    __ow_path: path,
    __ow_headers: lower,
    ...(bytes === null ? {} : { __ow_body: bytes.toString(isText ? 'utf8' : 'base64') }),
  });
  const { requestBytes } = site.settings;
  const most = largestBody(site.settings);
  if ((bytes?.length ?? 0) > most || Buffer.byteLength(json) > requestBytes) {
    const length = bytes?.length ?? 0;
    const message = `The request has ${length} bytes; OpenWhisk takes ${most} in one call. Give the module a reference to its data instead.`;
    throw new BackendError('Rejected', 'invoke', message);
  }
  return json;
}

/** One call, waited for as long as the platform and the deadline allow. */
export async function callOnce(
  site: Site,
  { name }: FunctionHandle,
  body: string,
  deadline: number,
  operation: string,
): Promise<Invocation> {
  const { settings, surroundings } = site;
  const remaining = deadline - surroundings.now();
  if (remaining <= 0) {
    throw new BackendError('DeadlineExceeded', operation, 'The deadline has passed.');
  }
  // The answer "not yet" has to travel before the deadline too.
  const patience = Math.min(settings.waitSeconds * 1000, remaining - Math.min(500, remaining / 4));
  const since = surroundings.now();
  const answer = await site.client.answer(operation, {
    method: 'POST',
    path: actionPath(settings.namespace, name),
    query: { blocking: 'true', timeout: String(Math.max(1, Math.floor(patience))) },
    body,
    deadline: Math.min(deadline, since + settings.waitSeconds * 1000 + graceMs),
  });
  const { status, text } = answer;
  if (status === 202) {
    const document = parsed(operation, answer);
    const activationId = isJsonObject(document) ? document['activationId'] : null;
    if (typeof activationId !== 'string') throw refusal(operation, status, text);
    return { kind: 'TICKET', ticket: formTicket({ activationId, since }), since };
  }
  if (status === 200) return answerOf(operation, parsed(operation, answer));
  // What failed in the container comes with its activation, what failed before it does not.
  const activation = activationIn(text);
  if (activation !== null) return answerOf(operation, activation);
  throw refusal(operation, status, text);
}

/** There is no record of a call that goes on: what is not there is not yet there, until it is too late to come. */
export async function lookUp(
  site: Site,
  handle: FunctionHandle,
  text: string,
): Promise<Answered | Lost | null> {
  const { settings, surroundings } = site;
  const { activationId, since } = parseTicket(text);
  const path = `${activationsPath(settings.namespace)}/${activationId}`;
  const activation = await site.client.find('result', { method: 'GET', path });
  if (activation !== null) {
    const isOurs = isJsonObject(activation) && activation['name'] === handle.name;
    if (!isOurs) throw notFound('result');
    return answerOf('result', activation);
  }
  if ((await site.find('result', handle)) === null) throw notFound('result');
  const { keepsRecords } = await site.limits.read('result');
  if (!keepsRecords) {
    const message = `This namespace of OpenWhisk keeps no records, so nobody can tell what became of activation ${activationId}.`;
    return { kind: 'LOST', message };
  }
  const longestMs = settings.pullLimitSeconds * 1000 + 2 * handle.timeoutMs + marginMs;
  const age = surroundings.now() - since;
  if (age <= longestMs) return null;
  const message = `OpenWhisk has no record of activation ${activationId}, ${Math.round(age / 1000)} s after it was accepted; it cannot have taken longer than ${Math.round(longestMs / 1000)} s.`;
  return { kind: 'LOST', message };
}

function activationIn(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    return isJsonObject(document) && 'activationId' in document && 'response' in document
      ? document
      : null;
  } catch {
    return null;
  }
}
