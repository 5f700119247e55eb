import { isJsonObject, type Json, type JsonObject } from '../../../domain/json.ts';

/** Readers that take what is usable of a value of any type: an entry with mistakes is still an entry. */

export function textOf(value: Json | undefined): string | null {
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** The texts of a list, or of one text alone; trimmed, each once. */
export function textsOf(value: Json | undefined): readonly string[] {
  const items: readonly Json[] = Array.isArray(value)
    ? (value as readonly Json[])
    : [value ?? null];
  const texts = items.flatMap((item) => textOf(item) ?? []);
  return [...new Set(texts)];
}

export function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** A number of at least 0, also when it was written as a text. */
export function amountOf(value: Json | undefined): number | null {
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof read === 'number' && Number.isFinite(read) && read >= 0 ? read : null;
}
