import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArgumentError } from '../../../../modules/runtime/arguments.ts';
import type { Module } from '../../../../modules/runtime/module.ts';

/** Does what it is asked. LOAD=fail|exit|slow|hang decides what happens while it loads. */
export const module: Module = {
  name: 'scripted',
  version: '1.0.0',
  predictArguments: {
    text: { type: 'string', description: 'Comes back.' },
    variables: { type: 'array', items: 'string', description: 'Names to look up.' },
    print: { type: 'string', description: 'A line for standard output.' },
    complain: { type: 'string', description: 'A line for standard error.' },
    sleepMs: { type: 'integer', description: 'How long it takes.' },
    bytes: { type: 'integer', description: 'How long the answer is.' },
    exit: { type: 'integer', description: 'Ends the process.' },
    fail: { type: 'string', description: 'Throws this.' },
    refuse: { type: 'string', description: 'An argument that is wrong.' },
    allocateMiB: { type: 'integer', description: 'Memory that is taken and kept.' },
    upload: { type: 'file', description: 'Its size comes back.' },
  },
  trainArguments: null,
  sample: { arguments: { text: 'sample' } },
  weights: null,
  predictsWithoutWeights: true,
  load: async (artifact) => {
    const { LOAD } = process.env;
    if (LOAD === 'fail') throw new Error('the weights are not there');
    if (LOAD === 'exit') process.exit(4);
    if (LOAD === 'slow') await sleep(400);
    if (LOAD === 'hang') await sleep(3_600_000);
    const weights =
      artifact === null ? null : await readFile(join(artifact, 'weights.txt'), 'utf8');
    return { facts: {}, predict: (values) => answer(values, weights) };
  },
};

/** Of this process: its number is the same in every container. */
const instance = randomUUID();
const kept: Buffer[] = [];

async function answer(
  values: Readonly<Record<string, unknown>>,
  weights: string | null,
): Promise<unknown> {
  const { text, print, complain, sleepMs, bytes, exit, fail, refuse, allocateMiB } = values;
  if (typeof print === 'string') process.stdout.write(`${print}\n`);
  if (typeof complain === 'string') process.stderr.write(`${complain}\n`);
  if (typeof allocateMiB === 'number') kept.push(Buffer.alloc(allocateMiB * 1024 * 1024, 1));
  if (typeof sleepMs === 'number') await sleep(sleepMs);
  if (typeof exit === 'number') process.exit(exit);
  if (typeof fail === 'string') throw new Error(fail);
  if (typeof refuse === 'string') throw new ArgumentError(refuse, 'It is refused.');
  const names = Array.isArray(values['variables']) ? values['variables'].map(String) : [];
  const upload = values['upload'] as { readonly bytes: Uint8Array } | undefined;
  return {
    instance,
    text: text ?? null,
    weights,
    variables: Object.fromEntries(names.map((name) => [name, process.env[name] ?? null])),
    uploaded: upload?.bytes.length ?? null,
    ...(typeof bytes === 'number' ? { filling: 'x'.repeat(bytes) } : {}),
  };
}
