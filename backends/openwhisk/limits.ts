import type { JsonObject } from '../../domain/json.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { Ambient } from '../../domain/ambient.ts';
import { BackendError } from '../contract/error.ts';
import type { FunctionLimits } from '../contract/function-runner.ts';
import type { OpenWhiskClient } from './client.ts';
import type { OpenWhiskSettings } from './config.ts';

/** What the namespace allows; null where the platform does not say. */
export interface NamespaceLimits {
  readonly callsPerMinute: number | null;
  readonly callsAtOnce: number | null;
  readonly memoryMiB: { readonly minimum: number; readonly maximum: number } | null;
  readonly timeoutMs: { readonly minimum: number; readonly maximum: number } | null;
  /** False: what became of a call that nobody waited for is never known. */
  readonly keepsRecords: boolean;
}

const mebibyte = 1024 * 1024;
const keptMs = 60_000;

/** The limits of the namespace, and where it does not tell them those of the platform; looked at once a minute. */
export class Limits {
  readonly #client: OpenWhiskClient;
  readonly #settings: OpenWhiskSettings;
  readonly #ambient: Ambient;
  #known: NamespaceLimits | null = null;
  #readAt = 0;

  constructor(client: OpenWhiskClient, settings: OpenWhiskSettings, ambient: Ambient) {
    this.#client = client;
    this.#settings = settings;
    this.#ambient = ambient;
  }

  async read(operation: string, signal?: AbortSignal): Promise<NamespaceLimits> {
    const now = this.#ambient.now();
    if (this.#known !== null && now - this.#readAt < keptMs) return this.#known;
    const more = signal === undefined ? {} : { signal };
    const namespace = encodeURIComponent(this.#settings.namespace);
    const get = (path: string): Promise<unknown> =>
      this.#client.find(operation, { method: 'GET', path, ...more });
    const own = await get(`/api/v1/namespaces/${namespace}/limits`);
    const limits = limitsOf(own, isComplete(own) ? null : await get('/'));
    this.#known = limits;
    this.#readAt = now;
    return limits;
  }
}

/** Pure and total. `own` is of the namespace, `info` is what the platform says of itself. */
export function limitsOf(own: unknown, info: unknown): NamespaceLimits {
  const namespace: JsonObject = isJsonObject(own) ? own : {};
  const all = isJsonObject(info) ? info['limits'] : null;
  const platform: JsonObject = isJsonObject(all) ? all : {};
  const pick = (name: string, general: string, unit = 1): number | null => {
    const value = namespace[name];
    if (typeof value === 'number') return value;
    const common = platform[general];
    return typeof common === 'number' ? common / unit : null;
  };
  return {
    callsPerMinute: pick('invocationsPerMinute', 'actions_per_minute'),
    callsAtOnce: pick('concurrentInvocations', 'concurrent_actions'),
    memoryMiB: range(
      pick('minActionMemory', 'min_action_memory', mebibyte),
      pick('maxActionMemory', 'max_action_memory', mebibyte),
    ),
    timeoutMs: range(
      pick('minActionTimeout', 'min_action_duration'),
      pick('maxActionTimeout', 'max_action_duration'),
    ),
    keepsRecords: namespace['storeActivations'] !== false,
  };
}

/** Rejected, with what is allowed, when more is asked for. */
export function checkLimits(
  asked: { readonly memory: number; readonly timeout: number },
  { memoryMiB, timeoutMs }: NamespaceLimits,
): void {
  if (memoryMiB !== null && isOutside(asked.memory, memoryMiB)) {
    const { minimum, maximum } = memoryMiB;
    const message = `It asks for ${asked.memory} MiB of memory; this namespace of OpenWhisk allows ${minimum} to ${maximum}.`;
    throw new BackendError('Rejected', 'deploy', message);
  }
  if (timeoutMs !== null && isOutside(asked.timeout, timeoutMs)) {
    const { minimum, maximum } = timeoutMs;
    const message = `A call may take ${asked.timeout} ms as it is configured; this namespace of OpenWhisk allows ${minimum} to ${maximum}.`;
    throw new BackendError('Rejected', 'deploy', message);
  }
}

export function functionLimits(
  settings: OpenWhiskSettings,
  limits: NamespaceLimits,
  timeoutMs: number | null,
): FunctionLimits {
  return {
    requestBytes: largestBody(settings),
    responseBytes: settings.responseBytes,
    memoryMiB: limits.memoryMiB,
    timeoutMs,
    waitMs: settings.waitSeconds * 1000,
    callsPerMinute: limits.callsPerMinute,
    callsAtOnce: limits.callsAtOnce,
    idleMs: settings.idleSeconds === null ? null : settings.idleSeconds * 1000,
  };
}

/** A body travels as base64 in a JSON document, beside its path and its headers (which get 16 KiB). */
export function largestBody({ requestBytes }: OpenWhiskSettings): number {
  return Math.max(0, Math.floor(((requestBytes - 16 * 1024) * 3) / 4) - 3);
}

function isComplete(own: unknown): boolean {
  return (
    isJsonObject(own) &&
    ['invocationsPerMinute', 'maxActionMemory', 'maxActionTimeout'].every((name) => name in own)
  );
}

function range(
  minimum: number | null,
  maximum: number | null,
): { readonly minimum: number; readonly maximum: number } | null {
  return maximum === null ? null : { minimum: minimum ?? 0, maximum };
}

function isOutside(
  value: number,
  { minimum, maximum }: { readonly minimum: number; readonly maximum: number },
): boolean {
  return value < minimum || value > maximum;
}
