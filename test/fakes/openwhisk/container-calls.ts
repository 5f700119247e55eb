import { request } from 'undici';
import type { Action } from './actions.ts';
import type { ActivationResponse } from './activations.ts';
import type { MovableClock } from './clock.ts';
import type { Container } from './container.ts';

export interface ContainerCall {
  readonly clock: MovableClock;
  readonly activationId: string;
  readonly action: Action;
  readonly container: Container;
}

export interface Called {
  /** Null for an initialisation that went well. */
  readonly response: ActivationResponse | null;
  readonly isTimedOut: boolean;
  /** Nobody listens there any more, so that nobody can have heard of it. */
  readonly isUnheard: boolean;
  readonly tookMs: number;
}

const longestAnswer = 1024 * 1024;

/** Only a container that answered 200 is used again. */
export function isKept({ status }: ActivationResponse): boolean {
  return status === 'success' || status === 'application error';
}

export async function initialize(call: ContainerCall): Promise<Called> {
  const { action } = call;
  const { code, main = 'main' } = action.exec;
  const own = action.parameters.filter(({ init }) => init === true);
  const env = {
    ...contextOf(call, '__OW_'),
    ...Object.fromEntries(own.map(({ key, value }) => [key, value])),
  };
  const coded = code === undefined ? {} : { code };
  const value = { name: action.name, main, binary: false, ...coded, env };
  const { answer, ...how } = await post(call, '/init', { value });
  if (how.isTimedOut) return { response: timedOut(action, ' during initialization.'), ...how };
  if (answer === null) {
    const words = call.container.isOutOfMemory ? outOfMemory : abnormalInitialization;
    return { response: developerError(words), ...how };
  }
  if (answer.status === 200) return { response: null, ...how };
  const said = errorOf(answer.text) ?? `The action failed during initialization: ${answer.text}`;
  return { response: developerError(said), ...how };
}

export async function runOnce(call: ContainerCall, payload: object): Promise<Called> {
  const { action } = call;
  const preset = action.parameters.filter(({ init }) => init !== true);
  const given = Object.fromEntries(preset.map(({ key, value }) => [key, value]));
  const body = { value: { ...given, ...payload }, ...contextOf(call, '') };
  const { answer, ...how } = await post(call, '/run', body);
  if (how.isTimedOut) return { response: timedOut(action, '.'), ...how };
  if (answer === null) {
    const words = call.container.isOutOfMemory ? outOfMemory : abnormalRun;
    return { response: developerError(words), ...how };
  }
  return { response: responseOf(answer), ...how };
}

function responseOf({ status, text }: Answer): ActivationResponse {
  const bytes = Buffer.byteLength(text);
  if (bytes > longestAnswer) {
    const words = `The action produced a response that exceeded the allowed length: ${bytes} > ${longestAnswer} bytes. The truncated response was: ${text.slice(0, longestAnswer)}`;
    return { status: 'application error', result: { error: words } };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return developerError(invalidRun(text));
  }
  if (typeof value !== 'object' || value === null) return developerError(invalidRun(text));
  const error = errorOf(text);
  if (status !== 200) return developerError(error ?? invalidRun(text));
  if (error !== null) return { status: 'application error', result: { error } };
  return { status: 'success', result: value };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** On a connection of its own. Null when the container ended, or answered without saying how long it is. */
async function post(
  { clock, action, container }: ContainerCall,
  path: '/init' | '/run',
  body: object,
): Promise<{ readonly answer: Answer | null } & Omit<Called, 'response'>> {
  const stop = new AbortController();
  const begun = clock.now();
  const cancel = clock.schedule(action.limits.timeout, () => stop.abort());
  const how = (isTimedOut = false, isUnheard = false) => ({
    isTimedOut,
    isUnheard,
    tookMs: clock.now() - begun,
  });
  try {
    const url = await aborted(container.url(), stop.signal);
    if (url === null) return { answer: null, ...how() };
    const answer = await request(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(body),
      signal: stop.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
      reset: true,
    });
    const text = await answer.body.text();
    // An answer that does not say how long it is counts as none.
    const isWhole = answer.headers['content-length'] !== undefined;
    return { answer: isWhole ? { status: answer.statusCode, text } : null, ...how() };
  } catch (error) {
    const isRefused = (error as NodeJS.ErrnoException | null)?.code === 'ECONNREFUSED';
    return { answer: null, ...how(stop.signal.aborted, isRefused) };
  } finally {
    cancel();
  }
}

function aborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')));
    work.then(resolve, reject);
  });
}

function contextOf({ clock, activationId, action }: ContainerCall, prefix: string) {
  const context = {
    namespace: action.namespace,
    action_name: `/${action.namespace}/${action.name}`,
    action_version: action.version,
    activation_id: activationId,
    transaction_id: activationId,
    deadline: String(clock.now() + action.limits.timeout),
  };
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => [
      prefix === '' ? name : prefix + name.toUpperCase(),
      value,
    ]),
  );
}

function errorOf(text: string): unknown {
  try {
    const value = JSON.parse(text) as { readonly error?: unknown } | null;
    return value?.error ?? null;
  } catch {
    return null;
  }
}

const abnormalInitialization = 'The action did not initialize and exited unexpectedly.';
const abnormalRun = 'The action did not produce a valid response and exited unexpectedly.';
const outOfMemory = 'The action exhausted its memory and was aborted.';

function invalidRun(text: string): string {
  const words = 'The action did not produce a valid JSON or JSON Array response';
  return text === '' ? `${words}.` : `${words}: ${text}`;
}

function timedOut({ limits }: Action, ending: string): ActivationResponse {
  return developerError(
    `The action exceeded its time limits of ${limits.timeout} milliseconds${ending}`,
  );
}

function developerError(error: unknown): ActivationResponse {
  return { status: 'action developer error', result: { error } };
}
