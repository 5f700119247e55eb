import { isJsonObject, type Json } from '../../domain/json.ts';
import type { Progress } from '../../domain/training-run.ts';

/** What a line of standard output says when it is not for people. See modules/runtime/README.md. */
export type ProtocolLine =
  | { readonly type: 'phase'; readonly phase: 'PREPARING' | 'RUNNING' | 'EVALUATING' }
  | { readonly type: 'progress'; readonly progress: Progress }
  | {
      readonly type: 'metrics';
      readonly epoch: number | null;
      readonly step: number;
      readonly values: { readonly [name: string]: number };
    }
  | { readonly type: 'checkpoint'; readonly epoch: number; readonly path: string };

const phases = ['PREPARING', 'RUNNING', 'EVALUATING'] as const;

/** Null when the line is not one of ours: then it is a log line. Total: no text makes it throw. */
export function parseProtocolLine(text: string): ProtocolLine | null {
  if (!text.startsWith('{"type":')) return null;
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  if (!isJsonObject(value)) return null;
  switch (value['type']) {
    case 'phase': {
      const phase = phases.find((known) => known === value['phase']);
      return phase === undefined ? null : { type: 'phase', phase };
    }
    case 'progress': {
      const { done, total, unit } = value;
      if (!isFinite(done) || !isFinite(total) || total <= 0 || done < 0) return null;
      return {
        type: 'progress',
        progress: { done, total, unit: typeof unit === 'string' ? unit.slice(0, 32) : 'step' },
      };
    }
    case 'metrics':
      return parseMetrics(value);
    case 'checkpoint': {
      const { epoch, path } = value;
      if (!isCount(epoch) || typeof path !== 'string' || !safePath.test(path)) return null;
      return { type: 'checkpoint', epoch, path };
    }
    default:
      return null;
  }
}

const safePath = /^(?!\.{1,2}(?:\/|$))[\w.-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.-]+)*$/;
const metricName = /^[\w./:@ -]{1,128}$/;
const maximumMetricsInLine = 64;

function parseMetrics(value: { readonly [key: string]: Json }): ProtocolLine | null {
  const { epoch, step, values } = value;
  if (!isJsonObject(values)) return null;
  const named = Object.entries(values)
    .filter((entry): entry is [string, number] => metricName.test(entry[0]) && isFinite(entry[1]))
    .slice(0, maximumMetricsInLine);
  if (named.length === 0) return null;
  return {
    type: 'metrics',
    epoch: isCount(epoch) ? epoch : null,
    step: isCount(step) ? step : 0,
    values: Object.fromEntries(named),
  };
}

function isFinite(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
