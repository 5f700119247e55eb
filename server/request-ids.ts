import type { Ambient } from '../domain/ambient.ts';

/** `req_` and 16 characters; unique enough to find a line in a log. */
export function requestIds(ambient: Ambient): () => string {
  return () => {
    const part = () =>
      Math.floor(ambient.random() * 36 ** 8)
        .toString(36)
        .padStart(8, '0');
    return `req_${part()}${part()}`;
  };
}
