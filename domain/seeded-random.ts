/**
 * Numbers in [0, 1) with 53 bits that depend on the seed alone, the same on every machine and easy to repeat in another
 * language. Two words of 32 bits, `low` and `high`, are the halves of the seed (a whole number from 0 to 2^53 - 1) and
 * each is mixed once. A draw is mulberry32 twice: the state (at first `low` xor `high` turned left by 16) grows by
 * 0x6D2B79F5, is mixed, and gives 32 bits; the upper 27 bits of the first and the upper 26 of the second are the number.
 */
export function seededRandom(seed: number): () => number {
  const high = mix(Math.floor(seed / 2 ** 32));
  let state = (mix(seed % 2 ** 32) ^ ((high << 16) | (high >>> 16))) | 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    return mix(state);
  };
  return () => {
    const upper = word() >>> 5;
    const lower = word() >>> 6;
    return (upper * 2 ** 26 + lower) / 2 ** 53;
  };
}

/** The output function of mulberry32. */
function mix(state: number): number {
  let z = Math.imul(state ^ (state >>> 15), state | 1);
  z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
  return (z ^ (z >>> 14)) >>> 0;
}
