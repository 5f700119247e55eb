import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../../codegen/client/client.ts';
import { accepted } from '../../../codegen/client/errors.ts';
import {
  ArtifactDocument,
  CreateTrainingRunDocument,
  TrainingRunDocument,
} from '../../../codegen/client/generated/graphql.ts';
import * as iris from '../../../modules/data/iris.ts';
import { bring, Installation, moduleVersionOf } from '../thread/installation.ts';
import { follow } from '../thread/run-streams.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const root = resolve(import.meta.dirname, '..', '..', '..');

describe('a server whose state is copied while it works', () => {
  let old: Installation;
  let fresh: Installation;
  beforeAll(async () => {
    [old, fresh] = [await Installation.create(), await Installation.create()];
  });
  afterAll(() => Promise.all([old.remove(), fresh.remove()]).then(() => undefined));

  test('goes on, and another one started on the copy has all that was finished', async () => {
    const { url } = await old.start();
    const client = old.client(url);
    const moduleVersionId = await moduleVersionOf(client, 'tabular-classifier');
    const version = await bring(client, 'flowers', 'CSV', await iris.files());
    const train = async (epochs: number): Promise<string> => {
      const { createTrainingRun } = await client.run(CreateTrainingRunDocument, {
        input: { moduleVersionId, datasetVersionId: version.id, seed: 1, arguments: { epochs } },
      });
      return accepted(createTrainingRun, 'trainingRun').id;
    };
    const finished = await train(20);
    const told = await follow(client, finished);
    const unfinished = await train(300);
    const { promise: underWay, resolve: isUnderWay } = Promise.withResolvers<void>();
    const watched = follow(client, unfinished, ({ epoch }) => {
      if (epoch === 5) isUnderWay();
    });
    await underWay;
    const file = join(old.stateFolder, '..', 'state.backup');
    await fathom(old, 'backup', file);
    expect((await watched).events.length).toBeGreaterThan(0);
    const { trainingRun: ended } = await client.run(TrainingRunDocument, { id: unfinished });
    expect(ended?.state).toBe('SUCCEEDED');

    await fathom(fresh, 'restore', file);
    const second = await fresh.start();
    const other = fresh.client(second.url);
    expect(await follow(other, finished)).toEqual(told);
    expect(await modelOf(other, finished)).toBe(await modelOf(client, finished));
    // Its process belongs to the server that started it: the copy says so rather than start it again.
    const cut = await follow(other, unfinished);
    expect(cut.events.length).toBeGreaterThan(0);
    const { trainingRun } = await other.run(TrainingRunDocument, { id: unfinished });
    expect(trainingRun?.state).toBe('LOST');
    expect(await other.run(TrainingRunDocument, { id: finished })).toMatchObject({
      trainingRun: { state: 'SUCCEEDED', datasetVersion: { dataset: { title: 'flowers' } } },
    });
  });
});

/** One digest over the model's files, downloaded. */
async function modelOf(client: Client, runId: string): Promise<string> {
  const { trainingRun } = await client.run(TrainingRunDocument, { id: runId });
  const model = trainingRun?.artifacts.nodes.find(({ kind }) => kind === 'MODEL');
  const { artifact } = await client.run(ArtifactDocument, { id: model?.id ?? '' });
  const hash = createHash('sha256');
  for (const { url, bytes } of artifact?.files ?? []) {
    const response = await fetch(url);
    const content = new Uint8Array(await response.arrayBuffer());
    expect(content.length).toBe(bytes);
    hash.update(content);
  }
  expect(artifact?.files.length).toBeGreaterThan(0);
  return hash.digest('hex');
}

async function fathom(installation: Installation, ...args: readonly string[]): Promise<void> {
  const program = join(root, 'server', 'launch.mjs');
  await promisify(execFile)(process.execPath, [program, ...args], {
    cwd: root,
    env: { ...process.env, FATHOM_STATE: installation.stateFolder },
  });
}
