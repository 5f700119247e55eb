import { mkdtemp, mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as digits from '../../modules/data/digits.ts';
import { encodeIdxImages, encodeIdxLabels } from '../../modules/data/idx-encoding.ts';
import * as iris from '../../modules/data/iris.ts';
import { layOutWorkload } from '../../modules/runtime/lay-out-workload.ts';
import type { ReferenceData } from '../../modules/runtime/module.ts';
import { moduleFolder, runModule, startModuleServer, type Finished } from './module-process.ts';

const quick = { epochs: 3, hiddenUnits: 8, batchSize: 8 };

describe('the train command', () => {
  test('the same seed, arguments and data give the same bytes of weights, another seed others', async () => {
    const [one, two, other] = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const work = await workFolder({ data: bars(), arguments: quick, seed });
        expect(await train('image-classifier', work)).toMatchObject({ code: 0 });
        return readFile(join(work, 'out/model/weights.bin'));
      }),
    );
    expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
    expect(one?.equals(other ?? Buffer.alloc(0))).toBe(false);
  });

  test('a run resumed from a checkpoint ends with the weights and metrics of one that was left alone', async () => {
    const whole = await workFolder({ data: bars(), arguments: quick, seed: 5 });
    const ended = await train('image-classifier', whole);
    const work = await workFolder({ data: bars(), arguments: { ...quick, epochs: 2 }, seed: 5 });
    await train('image-classifier', work);
    const request = { data: bars(), arguments: quick, seed: 5, resume: 'checkpoints/epoch-0002' };
    await layOutWorkload(work, { module: 'image-classifier', ...request });
    const resumed = await train('image-classifier', work);
    expect(resumed.code).toBe(0);
    const epochs = (run: Finished): unknown[] =>
      lines(run).filter((line) => line.type === 'metrics');
    expect(epochs(resumed)).toEqual(epochs(ended).slice(2));
    for (const file of ['model/weights.bin', 'output.json']) {
      const expected = await readFile(join(whole, 'out', file));
      expect((await readFile(join(work, 'out', file))).equals(expected)).toBe(true);
    }
  });

  test('a checkpoint of a run with other arguments is refused', async () => {
    const work = await workFolder({ data: bars(), arguments: quick, seed: 5 });
    await train('image-classifier', work);
    const request = { data: bars(), seed: 5, resume: 'checkpoints/epoch-0001' };
    const other = { ...quick, learningRate: 0.1 };
    await layOutWorkload(work, { module: 'image-classifier', arguments: other, ...request });
    const refused = await train('image-classifier', work);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('other data') });
    expect(await readdir(join(work, 'out'))).not.toContain('output.json');
  });

  test('lines tell phases, progress that ends at its total, metrics and a checkpoint of every epoch', async () => {
    const work = await workFolder({ data: bars(), arguments: quick, seed: 1 });
    const told = lines(await train('image-classifier', work));
    const phases = told.filter(({ type }) => type === 'phase').map(({ phase }) => phase);
    expect(phases).toEqual(['PREPARING', 'RUNNING', 'EVALUATING']);
    const progress = told.filter(({ type }) => type === 'progress');
    expect(progress.at(-1)).toMatchObject({ done: progress.at(-1)?.['total'] });
    const done = progress.map((line) => Number(line['done']));
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    const metrics = told.filter(({ type }) => type === 'metrics');
    expect(metrics.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    for (const path of told
      .filter(({ type }) => type === 'checkpoint')
      .map((line) => line['path'])) {
      expect(await readdir(join(work, 'out', String(path)))).toContain('checkpoint.json');
    }
    expect(await readdir(join(work, 'out/checkpoints'))).toHaveLength(3);
  });

  test('a run that is told to stop leaves with 143, whole checkpoints and no output', async () => {
    const endless = { ...quick, epochs: 500 };
    const work = await workFolder({ data: bars(), arguments: endless, seed: 1 });
    const args = ['train', '--module', moduleFolder('image-classifier'), '--work', work];
    const stopped = await runModule(args, (line, stop) => {
      if (line.includes('epoch-0002')) stop();
    });
    expect(stopped).toMatchObject({ code: 143, stderr: '' });
    expect(await readdir(join(work, 'out'))).toEqual(['checkpoints']);
    for (const name of await readdir(join(work, 'out/checkpoints'))) {
      const files = await readdir(join(work, 'out/checkpoints', name));
      expect(files.toSorted()).toEqual(['checkpoint.json', 'moments.bin', 'weights.bin']);
    }
  });

  test('what the person who asked has to mend is one sentence and exit code 2', async () => {
    const data = bars();
    const short = data.files.map((file) => ({ ...file, bytes: file.bytes.slice(0, 100) }));
    const cases = [
      [{ data, arguments: { epoch: 3 } }, 'Argument epoch is not known'],
      [{ data, arguments: { epochs: 0 } }, 'Argument epochs: Must be between 1 and 500.'],
      [{ data: { ...data, examples: 99 }, arguments: {} }, 'The split names example'],
      [{ data: { ...data, files: short }, arguments: {} }, 'its header says'],
      [{ data: { ...data, format: 'CSV' }, arguments: {} }, 'holds no images'],
      [{ data, arguments: {}, resume: 'checkpoints/epoch-0009' }, 'is missing'],
    ] as const;
    await Promise.all(
      cases.map(async ([request, sentence]) => {
        const run = await train('image-classifier', await workFolder({ seed: 1, ...request }));
        expect(run).toMatchObject({ code: 2 });
        expect(run.stderr).toContain(sentence);
        expect(run.stderr.trim().split('\n')).toHaveLength(1);
      }),
    );
    expect(await runModule(['train', '--module', import.meta.dirname])).toMatchObject({ code: 2 });
    const missing = await workFolder({ data, arguments: {}, seed: 1 });
    await rm(join(missing, 'workload.json'));
    expect(await train('image-classifier', missing)).toMatchObject({ code: 2 });
    expect(await train('language-detector', missing)).toMatchObject({ code: 2 });
  });

  test('coloured PNG files of several sizes are learnt, and the artifact is served', async () => {
    const work = await workFolder({
      data: colours(),
      arguments: { ...quick, epochs: 20 },
      seed: 3,
    });
    expect(await train('image-classifier', work)).toMatchObject({ code: 0, stderr: '' });
    const output = JSON.parse(await readFile(join(work, 'out/output.json'), 'utf8'));
    expect(output).toMatchObject({ labels: ['blue', 'red'], metrics: { testAccuracy: 1 } });
    const server = await startModuleServer('image-classifier', [
      '--artifact',
      join(work, 'out/model'),
    ]);
    try {
      const form = new FormData();
      form.set('image', new Blob([Uint8Array.from(colour(250, 10, 40, 31))]), 'large.png');
      const url = `${server.url}/v2/models/image-classifier/predict/`;
      const answer = await fetch(url, { method: 'POST', body: form });
      expect(await answer.json()).toMatchObject({ predictions: { labels: ['red', 'blue'] } });
    } finally {
      await server.stop();
    }
  });

  test('texts, numbers and gaps of a table are learnt, and a list of rows is answered in order', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => {
      const ripe = i % 2 === 0;
      return `${i % 7 === 0 ? '' : ripe ? 90 : 20},"${ripe ? 'soft, sweet' : 'hard'}",${ripe ? 'yes' : 'no'}`;
    });
    const bytes = new TextEncoder().encode(['sugar,feel,ripe', ...rows].join('\r\n'));
    const data = {
      format: 'CSV',
      target: null,
      examples: 60,
      files: [{ path: 't.csv', bytes }],
    } as const;
    const work = await workFolder({ data, arguments: { epochs: 30 }, seed: 1 });
    expect(await train('tabular-classifier', work)).toMatchObject({ code: 0, stderr: '' });
    const server = await startModuleServer('tabular-classifier', [
      '--artifact',
      join(work, 'out/model'),
    ]);
    try {
      const answer = await fetch(`${server.url}/v2/models/tabular-classifier/predict/`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ rows: [{ sugar: 15, feel: 'hard' }, { feel: 'soft, sweet' }] }),
      });
      const { predictions } = (await answer.json()) as { predictions: { labels: string[] }[] };
      expect(predictions.map(({ labels }) => labels[0])).toEqual(['no', 'yes']);
    } finally {
      await server.stop();
    }
  });

  test('handwritten digits and irises are learnt well with the defaults', async () => {
    const [digitsRun, irisRun] = await Promise.all([
      digits.files({ limit: 2500 }).then(async (files) => {
        const data = { format: digits.format, target: null, files, examples: 2500 } as const;
        const work = await workFolder({ data, arguments: { epochs: 5 }, seed: 1 });
        await train('image-classifier', work);
        return JSON.parse(await readFile(join(work, 'out/output.json'), 'utf8'));
      }),
      iris.files().then(async (files) => {
        const { format, target, examples } = iris;
        const work = await workFolder({
          data: { format, target, files, examples },
          arguments: {},
          seed: 1,
        });
        await train('tabular-classifier', work);
        return JSON.parse(await readFile(join(work, 'out/output.json'), 'utf8'));
      }),
    ]);
    expect(digitsRun.metrics.testAccuracy).toBeGreaterThan(0.85);
    expect(irisRun.metrics.testAccuracy).toBeGreaterThan(0.9);
  }, 60_000);
});

interface WorkRequest {
  readonly data: ReferenceData;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly resume?: string;
}

async function workFolder(request: WorkRequest): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'module-train-'));
  onTestFinished(() => rm(work, { recursive: true, force: true }));
  await mkdir(join(work, 'data'));
  await layOutWorkload(work, { module: 'under-test', ...request });
  return work;
}

function train(module: string, work: string): Promise<Finished> {
  return runModule(['train', '--module', moduleFolder(module), '--work', work]);
}

function lines(run: Finished): Record<string, unknown>[] {
  return run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Sixty images of eight by eight: a standing bar is 0, a lying one 1. */
function bars(): ReferenceData {
  const images = Array.from({ length: 60 }, (_, i) => ({
    label: i % 2,
    pixels: Uint8Array.from({ length: 64 }, (_unused, at) => {
      const place = i % 2 === 0 ? at % 8 : Math.floor(at / 8);
      return place === i % 7 ? 255 : (at * i) % 40;
    }),
  }));
  return {
    format: 'IDX',
    target: null,
    examples: images.length,
    files: [
      { path: 'bars-images-idx3-ubyte', bytes: encodeIdxImages(images, 8, 8) },
      { path: 'bars-labels-idx1-ubyte', bytes: encodeIdxLabels(images) },
    ],
  };
}

function colours(): ReferenceData {
  const files = Array.from({ length: 40 }, (_, i) => {
    const red = i % 2 === 0;
    const strong = 180 + i;
    const bytes = red ? colour(strong, 20, 20, 6 + (i % 3)) : colour(20, 20, strong, 6 + (i % 3));
    return { path: `${red ? 'red' : 'blue'}/${String(i).padStart(2, '0')}.png`, bytes };
  });
  return { format: 'IMAGE_FOLDER', target: null, examples: files.length, files };
}

function colour(red: number, green: number, blue: number, size: number): Uint8Array {
  const data = Uint8Array.from(
    { length: size * size * 3 },
    (_, i) => [red, green, blue][i % 3] ?? 0,
  );
  return encode({ width: size, height: size, channels: 3, depth: 8, data });
}
