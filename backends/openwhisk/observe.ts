import type { Json, JsonObject } from '../../domain/json.ts';
import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { Answered, FunctionStart } from '../contract/function-runner.ts';
import { annotations } from './names.ts';

/** What we read of a stored action; null when the document is none. */
export interface SeenAction {
  readonly key: string | null;
  readonly version: string;
  readonly updated: number;
  readonly image: string;
  readonly timeoutMs: number | null;
}

export function actionOf(document: unknown): SeenAction | null {
  if (!isJsonObject(document)) return null;
  const { version, updated, exec, limits } = document;
  if (typeof version !== 'string' || !isJsonObject(exec)) return null;
  const timeout = isJsonObject(limits) ? limits['timeout'] : null;
  const key = annotation(document, annotations.key);
  return {
    key: typeof key === 'string' ? key : null,
    version,
    updated: typeof updated === 'number' ? updated : 0,
    image: `${textOf(exec['kind'])} ${textOf(exec['image'])}`.trim(),
    timeoutMs: typeof timeout === 'number' ? timeout : null,
  };
}

/** `initTime` is there if and only if the container was given the module for this call. */
export function startOf(activation: JsonObject): FunctionStart {
  const waitMs = numberOf(annotation(activation, 'waitTime'));
  const initMs = numberOf(annotation(activation, 'initTime'));
  const isTold = waitMs !== null || initMs !== null;
  return {
    cold: isTold ? initMs !== null : null,
    waitMs,
    initMs,
    durationMs: numberOf(activation['duration']),
  };
}

/** The response of the module that an activation carries. Throws BackendError when the call failed before there was one. */
export function answerOf(operation: string, activation: unknown): Answered {
  const response = isJsonObject(activation) ? activation['response'] : null;
  if (!isJsonObject(activation) || !isJsonObject(response)) {
    throw new BackendError('Unexpected', operation, 'OpenWhisk answered with no activation.');
  }
  const { status, result } = response;
  if (status !== 'success') throw failureOf(operation, textOf(status), result ?? null);
  const said = isJsonObject(result) ? responseIn(result) : null;
  if (said === null) {
    const message = `The function answered with something that is no HTTP response: ${shortened(JSON.stringify(result ?? null))}`;
    throw new BackendError('Unexpected', operation, message);
  }
  return { kind: 'ANSWER', response: said, start: startOf(activation) };
}

function responseIn(result: JsonObject): Answered['response'] | null {
  const { statusCode = 200, headers, body = '' } = result;
  if (!isStatus(statusCode) || !('statusCode' in result || 'body' in result)) return null;
  const named = Object.entries(isJsonObject(headers) ? headers : {})
    .filter(([, value]) => value !== null)
    .map(([name, value]): [string, string] => [
      name.toLowerCase(),
      Array.isArray(value) ? value.map(textOf).join(', ') : textOf(value),
    ])
    // They were true of another connection.
    .filter(([name]) => !['content-length', 'transfer-encoding', 'connection'].includes(name));
  const all = Object.fromEntries(named);
  return { status: statusCode, headers: all, body: bytesOf(body, all['content-type'] ?? '') };
}

function isStatus(value: Json): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599;
}

/** As a web action has it: text for types that are text, base64 for the rest. */
function bytesOf(body: Json, contentType: string): Uint8Array {
  if (body === null) return Buffer.alloc(0);
  if (typeof body !== 'string') return Buffer.from(JSON.stringify(body));
  const isText =
    contentType === '' ||
    /^\s*(text\/|application\/(json|xml|javascript|x-www-form-urlencoded)|[^;]+\+(json|xml))/i.test(
      contentType,
    );
  return Buffer.from(body, isText ? 'utf8' : 'base64');
}

function failureOf(operation: string, status: string, result: Json): BackendError {
  const error = isJsonObject(result) ? (result['error'] ?? null) : result;
  const said = shortened(typeof error === 'string' ? error : JSON.stringify(error));
  switch (status) {
    case 'whisk internal error':
      return new BackendError('Unavailable', operation, `OpenWhisk failed by itself: ${said}`);
    case 'application error':
      return new BackendError('Unexpected', operation, `The function failed: ${said}`);
    case 'action developer error':
      return new BackendError(
        'Unexpected',
        operation,
        `The container of the function failed: ${said}`,
      );
    default:
      return new BackendError('Unexpected', operation, `The call ended as "${status}": ${said}`);
  }
}

function annotation(document: JsonObject, name: string): Json {
  const all = document['annotations'];
  if (!Array.isArray(all)) return null;
  const found = (all as readonly Json[]).find((one) => isJsonObject(one) && one['key'] === name);
  return isJsonObject(found) ? (found['value'] ?? null) : null;
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function shortened(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
