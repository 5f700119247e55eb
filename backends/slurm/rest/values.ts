import { isJsonObject } from '../../../domain/json.ts';

/** Numbers come as `5`, `"5"` or `{ set, infinite, number }`, by version and field. Null when not set, or without end. */
export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'string') return /^\d+$/.test(value) ? Number(value) : null;
  if (!isJsonObject(value) || value['set'] === false || value['infinite'] === true) return null;
  return typeof value['number'] === 'number' ? value['number'] : null;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `"RUNNING"` and `["RUNNING", "COMPLETING"]` alike. */
export function wordsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((word) => (typeof word === 'string' && word !== '' ? [word.trim()] : []));
}

export function objectsOf(value: unknown): readonly { readonly [name: string]: unknown }[] {
  return Array.isArray(value) ? value.filter((one) => isJsonObject(one)) : [];
}

/** What Slurm calls no value, and no end; it stands in some fields as if it were one. */
const noTime = 0xff_ff_ff_fe;

/** Seconds since 1970 as milliseconds; null for 0 and for what is not set. */
export function timeOf(value: unknown): number | null {
  const seconds = numberOf(value);
  return seconds === null || seconds <= 0 || seconds >= noTime ? null : seconds * 1000;
}
