/** Epoch milliseconds; null when it did not happen. Runtimes write 1970 for that too. */
export function timeOf(value: Date | string | undefined | null): number | null {
  if (value === undefined || value === null) return null;
  const time = new Date(value).getTime();
  return Number.isFinite(time) && time > 0 ? time : null;
}
