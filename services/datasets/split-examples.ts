import { hash } from 'node:crypto';
import type { SplitRule } from '../../domain/dataset.ts';

/** Indices of the examples, ascending, each in exactly one list. */
export interface DividedExamples {
  readonly train: Uint32Array;
  readonly test: Uint32Array;
}

/**
 * Divides `count` examples; the same on every machine and in every language.
 *
 * The size of the test list is `round(count · testFraction)`, at least 1 and at most `count - 1` (0 when there is one
 * example). TAIL takes the last ones. RANDOM takes those with the smallest keys, where the key of example `i` is the
 * first 13 hexadecimal digits of SHA-256 over the ASCII text `<seed>:<i>`, ties by index. STRATIFIED does so within each
 * label: a label with `n` examples gives `floor(n · testFraction)`, and what is missing to the size is taken one by one
 * from the labels with the largest remainder (ties by the order of the labels); a label never gives its last example.
 */
export async function divideExamples(request: {
  readonly count: number;
  /** For each example the index of its label; needed by STRATIFIED only. */
  readonly labelOf: Uint32Array | null;
  readonly rule: SplitRule;
  readonly seed: number;
  readonly testFraction: number;
}): Promise<DividedExamples> {
  const { count, rule, seed, testFraction } = request;
  const size = testSize(count, testFraction);
  const inTest = new Uint8Array(count);
  if (rule === 'TAIL') inTest.fill(1, count - size);
  else {
    const keys = await keysOf(count, seed);
    const groups =
      rule === 'STRATIFIED' && request.labelOf !== null
        ? byLabel(request.labelOf)
        : [Uint32Array.from({ length: count }, (_, index) => index)];
    const quotas = quotasOf(
      groups.map((group) => group.length),
      size,
      testFraction,
    );
    groups.forEach((group, label) => takeSmallest(group, keys, quotas[label] ?? 0, inTest));
  }
  return pick(inTest);
}

function testSize(count: number, testFraction: number): number {
  if (count < 2) return 0;
  return Math.min(count - 1, Math.max(1, Math.round(count * testFraction)));
}

/** Thirteen digits are 52 bits: exact as a number. */
async function keysOf(count: number, seed: number): Promise<Float64Array> {
  const keys = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    keys[index] = Number.parseInt(hash('sha256', `${seed}:${index}`).slice(0, 13), 16);
    // Millions of digests take seconds: others get their turn in between.
    if (index % 10_000 === 9999) await new Promise((resolve) => setImmediate(resolve));
  }
  return keys;
}

function byLabel(labelOf: Uint32Array): readonly Uint32Array[] {
  const sizes = new Uint32Array(labelOf.reduce((most, label) => Math.max(most, label + 1), 0));
  for (const label of labelOf) sizes[label] = (sizes[label] ?? 0) + 1;
  const groups = Array.from(sizes, (size) => new Uint32Array(size));
  const filled = new Uint32Array(sizes.length);
  labelOf.forEach((label, index) => {
    const at = filled[label] ?? 0;
    const group = groups[label];
    if (group !== undefined) group[at] = index;
    filled[label] = at + 1;
  });
  return groups;
}

function quotasOf(
  sizes: readonly number[],
  total: number,
  testFraction: number,
): readonly number[] {
  if (sizes.length === 1) return [total];
  const shares = sizes.map((size, label) => {
    const most = Math.max(0, size - 1);
    const exact = size * testFraction;
    const quota = Math.min(most, Math.floor(exact));
    return { label, most, quota, remainder: exact - quota };
  });
  let missing = total - shares.reduce((sum, share) => sum + share.quota, 0);
  const order = shares.toSorted((a, b) => b.remainder - a.remainder || a.label - b.label);
  while (missing > 0) {
    const before = missing;
    for (const share of order) {
      if (missing > 0 && share.quota < share.most) {
        share.quota += 1;
        missing -= 1;
      }
    }
    // Every label is down to its last example: the test list stays smaller.
    if (missing === before) break;
  }
  return shares.map((share) => share.quota);
}

function takeSmallest(
  group: Uint32Array,
  keys: Float64Array,
  quota: number,
  inTest: Uint8Array,
): void {
  if (quota === 0) return;
  const key = (index: number): number => keys[index] ?? 0;
  const sorted = Float64Array.from(group, key).toSorted();
  const last = sorted[quota - 1] ?? 0;
  let left = quota;
  for (const index of group) {
    if (key(index) < last) {
      inTest[index] = 1;
      left -= 1;
    }
  }
  for (const index of group) {
    if (left > 0 && key(index) === last) {
      inTest[index] = 1;
      left -= 1;
    }
  }
}

function pick(inTest: Uint8Array): DividedExamples {
  const tests = inTest.reduce((sum, flag) => sum + flag, 0);
  const test = new Uint32Array(tests);
  const train = new Uint32Array(inTest.length - tests);
  let [atTest, atTrain] = [0, 0];
  inTest.forEach((flag, index) => {
    if (flag === 1) test[atTest++] = index;
    else train[atTrain++] = index;
  });
  return { train, test };
}
