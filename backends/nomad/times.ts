/** Epoch milliseconds of an RFC 3339 time; null for what is none, and for the year 1, which is Go's «never». */
export function timeOf(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) || at <= 0 ? null : at;
}

/** Epoch milliseconds of Nomad's nanoseconds. */
export function timeOfNanoseconds(nanoseconds: number | undefined): number | null {
  return nanoseconds === undefined || nanoseconds <= 0 ? null : Math.floor(nanoseconds / 1e6);
}
