import type { DatasetVersion, Split, SplitRule } from '../../domain/dataset.ts';
import { FathomError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import type { Transaction } from '../../store/contract/store.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Examples } from './formats/examples.ts';
import { divideExamples } from './split-examples.ts';

export interface SplitWish {
  readonly rule: SplitRule;
  readonly seed: number;
  readonly testFraction: number;
}

const largestSeed = 2 ** 31 - 1;

/** What is wrong with a wish, one finding a member; empty when nothing is. */
export function splitFindings(wish: SplitWish, path: readonly string[]): readonly FathomError[] {
  const finding = (member: string, message: string): FathomError =>
    new FathomError('INVALID_ARGUMENT', message, { path: [...path, member] });
  const found: FathomError[] = [];
  if (!Number.isSafeInteger(wish.seed) || wish.seed < 0 || wish.seed > largestSeed) {
    found.push(finding('seed', `A seed is a whole number from 0 to ${largestSeed}.`));
  }
  if (!(wish.testFraction > 0 && wish.testFraction < 1)) {
    found.push(finding('testFraction', 'A test fraction is more than 0 and less than 1.'));
  }
  return found;
}

/** Labels can be stratified over when there are some. */
export function assertDivisible(
  wish: SplitWish,
  labels: readonly unknown[],
  path: readonly string[],
): void {
  if (wish.rule !== 'STRATIFIED' || labels.length > 0) return;
  throw new FathomError('INVALID_ARGUMENT', 'Without labels nothing can be stratified.', {
    path: [...path, 'rule'],
  });
}

/** A split whose list is stored and which is not recorded yet. */
export type PreparedSplit = Pick<Split, 'rule' | 'seed' | 'testFraction'> &
  Pick<Split, 'trainCount' | 'testCount' | 'sha256'>;

/** Divides the examples and stores the lists; repeated, it stores the same bytes. */
export async function prepareSplit(
  at: Surroundings,
  wish: SplitWish,
  examples: Pick<Examples, 'count' | 'labelOf'>,
): Promise<PreparedSplit> {
  const { rule, seed, testFraction } = wish;
  const { train, test } = await divideExamples({ ...wish, ...examples });
  const { sha256 } = await at.blobs.put(splitText(wish, train, test));
  return {
    rule,
    seed,
    testFraction,
    trainCount: train.length,
    testCount: test.length,
    sha256,
  };
}

/** The recorded split of this version, rule, seed and fraction; recorded now if there was none. */
export async function recordSplit(
  at: Surroundings,
  tx: Transaction,
  versionId: DatasetVersion['id'],
  prepared: PreparedSplit,
): Promise<Split> {
  const earlier = await tx.splits.find({
    where: { datasetVersionId: versionId, ...keyOf(prepared) },
  });
  if (earlier !== null) return earlier;
  const now = at.ambient.now();
  const split: Split = {
    id: newId('Split', now, () => at.ambient.random()),
    version: 1,
    datasetVersionId: versionId,
    ...prepared,
    createdAt: now,
  };
  await tx.splits.insert(split);
  return split;
}

export function keyOf({ rule, seed, testFraction }: SplitWish): SplitWish {
  return { rule, seed, testFraction };
}

/** JSON, written by pieces: the lists can be long. */
async function* splitText(
  wish: SplitWish,
  train: Uint32Array,
  test: Uint32Array,
): AsyncGenerator<Uint8Array> {
  const { rule, seed } = wish;
  yield Buffer.from(`{"rule":${JSON.stringify(rule)},"seed":${seed},"train":[`);
  yield* listText(train);
  yield Buffer.from('],"test":[');
  yield* listText(test);
  yield Buffer.from(']}');
}

function* listText(list: Uint32Array): Generator<Uint8Array> {
  const piece = 50_000;
  for (let from = 0; from < list.length; from += piece) {
    yield Buffer.from(`${from === 0 ? '' : ','}${list.subarray(from, from + piece).join(',')}`);
  }
}
