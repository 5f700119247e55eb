import { setTimeout as pause } from 'node:timers/promises';
import { isRecord } from '../runtime/arguments.ts';
import { InputError } from '../runtime/input-error.ts';
import { Stopped } from '../runtime/run-report.ts';

/** A DEEPaaS that serves the model that is to be trained. */
export interface TrainingServer {
  /** Of the API, without a slash at the end. */
  readonly url: string;
  readonly model: string;
  /** Why it will answer no more, as a sentence; null while it may. */
  ending(): Promise<string | null>;
}

/** Told in our requests, so that a server's log of them can be told from what the module says. */
export const userAgent = 'fathom-training';

const askLimitMs = 120_000;
const lookLimitMs = 30_000;
/** Nobody listens: so long it may be a server that is about to be there again. */
const refusedPatienceMs = 5000;

/** Asks once: a training that was asked for twice would run twice. Gives its uuid. */
export async function begin(
  server: TrainingServer,
  given: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<string> {
  const answer = await fetch(collection(server), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': userAgent },
    body: JSON.stringify(given),
    signal: AbortSignal.any([signal, AbortSignal.timeout(askLimitMs)]),
  }).catch((error: unknown) => {
    throw signal.aborted ? stopped() : new Error(`No training could be asked for: ${why(error)}.`);
  });
  const text = await answer.text();
  if (answer.status === 422) throw new InputError(`The module refused its arguments: ${text}`);
  const training = answer.status === 200 ? parsed(text) : null;
  const uuid = training?.['uuid'];
  if (typeof uuid !== 'string') {
    throw new Error(`The training was answered with ${answer.status}: ${text.slice(0, 500)}`);
  }
  return uuid;
}

/** The trainings that the server knows. Documented as an object, sent as a list. */
export async function trainingsOf(
  server: TrainingServer,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const answer = await look(collection(server), signal).catch((error: unknown) => {
    throw signal.aborted ? stopped() : new Error(`DEEPaaS lists no trainings: ${why(error)}.`);
  });
  const value: unknown = await answer.json().catch(() => null);
  const list = isRecord(value) ? value['trainings'] : value;
  const all: readonly unknown[] = Array.isArray(list) ? list : [];
  return all.flatMap((one) =>
    isRecord(one) && typeof one['uuid'] === 'string' ? one['uuid'] : [],
  );
}

/** The output of the training; statuses are those that are sent, and those that are documented. */
export async function follow(
  server: TrainingServer,
  uuid: string,
  signal: AbortSignal,
): Promise<unknown> {
  let refusedSince: number | null = null;
  for (let wait = 100; ; wait = Math.min(wait * 2, 2000)) {
    if (signal.aborted) throw stopped();
    const ending = await server.ending();
    if (ending !== null) throw new Error(ending);
    let answer: Response | null = null;
    try {
      answer = await look(item(server, uuid), signal);
      refusedSince = null;
    } catch (error) {
      refusedSince = isRefused(error) ? (refusedSince ?? performance.now()) : null;
      if (refusedSince !== null && performance.now() - refusedSince > refusedPatienceMs) {
        // It may have left word of its end meanwhile.
        const ending = (await server.ending()) ?? 'DEEPaaS takes no connection any more.';
        throw new Error(ending, { cause: error });
      }
    }
    if (answer?.status === 404) throw new Error('DEEPaaS does not know the training any more.');
    const training = answer?.status === 200 ? parsed(await answer.text()) : null;
    const { status, message, result } = training ?? {};
    if (status === 'done' || status === 'completed')
      return isRecord(result) ? result['output'] : null;
    if (status === 'error') {
      throw new Error(`The training failed: ${typeof message === 'string' ? message : 'unknown'}`);
    }
    if (status === 'cancelled') throw new Error('The training was cancelled in DEEPaaS.');
    await pause(wait, null, { signal }).catch(() => null);
  }
}

/** Ends it in a server that goes on without us. The answer tells nothing: it is 500 when it worked. */
export async function cancel(server: TrainingServer, uuid: string): Promise<void> {
  await fetch(item(server, uuid), {
    method: 'DELETE',
    headers: { 'user-agent': userAgent },
    signal: AbortSignal.timeout(2000),
  }).catch(() => null);
}

/** The models of a server by id and name, each twice where these differ; null while it does not say. */
export async function modelsOf(url: string): Promise<readonly (readonly string[])[] | null> {
  try {
    const answer = await look(`${url}/v2/models/`, AbortSignal.timeout(5000));
    const body: unknown = await answer.json();
    const models: unknown = isRecord(body) ? body['models'] : null;
    if (!Array.isArray(models)) return null;
    return (models as readonly unknown[])
      .filter(isRecord)
      .map(({ id, name }) => [String(name), String(id)]);
  } catch {
    return null;
  }
}

export function stopped(): Stopped {
  return new Stopped('The run was told to stop.');
}

function look(url: string, signal: AbortSignal): Promise<Response> {
  return fetch(url, {
    headers: { 'user-agent': userAgent },
    signal: AbortSignal.any([signal, AbortSignal.timeout(lookLimitMs)]),
  });
}

function collection({ url, model }: TrainingServer): string {
  return `${url}/v2/models/${encodeURIComponent(model)}/train/`;
}

/** Without a slash at the end, unlike the collection. */
function item(server: TrainingServer, uuid: string): string {
  return collection(server) + encodeURIComponent(uuid);
}

function isRefused(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : null;
  return cause instanceof Error && Reflect.get(cause, 'code') === 'ECONNREFUSED';
}

function why(error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause);
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
