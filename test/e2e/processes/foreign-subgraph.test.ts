import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { accepted } from '../../../codegen/client/errors.ts';
import {
  CancelTrainingRunDocument,
  CreateTrainingRunDocument,
} from '../../../codegen/client/generated/graphql.ts';
import * as iris from '../../../modules/data/iris.ts';
import { bring, moduleVersionOf } from '../thread/installation.ts';
import { ProcessGroup, subgraphs } from './process-group.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const root = resolve(import.meta.dirname, '..', '..', '..');

describe('a subgraph of others behind our gateway', () => {
  let group: ProcessGroup;
  let ledger: Ledger;
  let url = '';

  beforeAll(async () => {
    group = await ProcessGroup.create();
    [ledger] = await Promise.all([startLedger(), group.allSubgraphs()]);
    url = await group.gateway(['--subgraph', `ledger=${ledger.url}`]);
  });
  afterAll(async () => {
    await group.remove();
    await ledger.end();
  });

  test('adds a field to a type of ours, and a mutation', async () => {
    const assigned = await ask(
      url,
      'mutation { assignGrant(trainingRunId: "run_1", number: "777435", holder: "A. Turing") { id grant { number } } }',
    );
    expect(assigned).toEqual({
      data: { assignGrant: { id: 'run_1', grant: { number: '777435' } } },
    });
    const answer = await ask(
      url,
      '{ __type(name: "TrainingRun") { fields { name } } trainingRuns(first: 1) { totalCount nodes { state grant { holder } } } }',
    );
    expect(answer).toMatchObject({ data: { trainingRuns: { totalCount: 0, nodes: [] } } });
    expect(JSON.stringify(answer)).toMatch(
      /"name":"grant".*"name":"state"|"name":"state".*"name":"grant"/,
    );
  });

  test('that is away costs its own fields only', async () => {
    await ledger.end();
    const answer = await ask(
      url,
      '{ modules(first: 1) { totalCount } trainingRuns(first: 1) { totalCount } }',
    );
    expect(answer).toMatchObject({ data: { trainingRuns: { totalCount: 0 } } });
    const mutation = await ask(
      url,
      'mutation { assignGrant(trainingRunId: "run_1", number: "1", holder: "B") { id } }',
    );
    expect(mutation).toMatchObject({
      errors: [
        { path: ['assignGrant'], extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true } },
      ],
    });
  });
});

describe('a supergraph that is exchanged', () => {
  let group: ProcessGroup;
  let folder = '';
  let file = '';
  let url = '';

  beforeAll(async () => {
    group = await ProcessGroup.create();
    await group.allSubgraphs();
    folder = await mkdtemp(join(tmpdir(), 'fathom-supergraph-'));
    file = join(folder, 'supergraph.graphql');
    await put(await ours());
    url = await group.gatewayOver(file);
  });
  afterAll(async () => {
    await group.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** The snapshot says no addresses that are these processes'. */
  async function ours(): Promise<string> {
    const sdl = await readFile(join(root, 'schema', 'snapshots', 'supergraph.graphql'), 'utf8');
    return subgraphs.reduce(
      (text, name) =>
        text.replace(
          new RegExp(`(join__graph\\(name: "${name}", url: )"[^"]*"`),
          `$1"${group.urlOf(name)}"`,
        ),
      sdl,
    );
  }

  async function put(sdl: string): Promise<void> {
    await writeFile(`${file}.new`, sdl);
    await rename(`${file}.new`, file);
  }

  test('is taken up without a failed request, and one that is broken is told and left', async () => {
    const load = underLoad();
    const before = loadedAtOf(await group.health('gateway'));
    const described = '"""Read anew."""\ntype ModuleConnection';
    await put((await ours()).replace(/^type ModuleConnection/m, described));
    await group.untilHealth('gateway', (health) => loadedAtOf(health) !== before);
    const about = await ask(url, '{ __type(name: "ModuleConnection") { description } }');
    expect(about).toEqual({ data: { __type: { description: 'Read anew.' } } });

    await put('type Query { nothing: Int }');
    await group.untilHealth('gateway', (health) => refusalOf(health) !== null);
    expect(refusalOf(await group.health('gateway'))).toContain('no supergraph');
    expect(await ask(url, '{ modules(first: 1) { totalCount } }')).toMatchObject({
      data: { modules: {} },
    });

    await put(await ours());
    await group.untilHealth('gateway', (health) => refusalOf(health) === null);
    const { answered, failures } = await load.end();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(50);
  });

  test('leaves a stream that is open on it alone: it goes on to its end', async () => {
    const client = group.client(url);
    const moduleVersionId = await moduleVersionOf(client, 'tabular-classifier');
    const { id: datasetVersionId } = await bring(client, 'flowers', 'CSV', await iris.files());
    // Nobody here has it, so the run waits until it is cancelled.
    const resources = { gpus: { count: 1, model: 'none of ours' } };
    const input = { moduleVersionId, datasetVersionId, resources };
    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, { input });
    const { id } = accepted(createTrainingRun, 'trainingRun');
    const stream = await openStream(url, id);
    await stream.until('"QUEUED"');
    const before = loadedAtOf(await group.health('gateway'));
    await put(
      (await ours()).replace(/^type ModuleConnection/m, '"""Again."""\ntype ModuleConnection'),
    );
    await group.untilHealth('gateway', (health) => loadedAtOf(health) !== before);
    await client.run(CancelTrainingRunDocument, { input: { id } });
    await stream.until('"CANCELLED"');
    expect(await stream.until('event: complete')).not.toContain('"errors"');
  });

  /** Eight who ask without a pause, two of them to change something, until `end`. */
  function underLoad() {
    const over = new AbortController();
    const failures: unknown[] = [];
    let answered = 0;
    const asker = async (number: number): Promise<void> => {
      for (let turn = 0; !over.signal.aborted; turn++) {
        const operation =
          number < 2
            ? `mutation { createDataset(input: { name: "set-${number}-${turn}" }) { dataset { name } userErrors { message } } }`
            : '{ modules(first: 3) { nodes { slug latestVersion { runs(first: 1) { totalCount } } } } }';
        const answer = await ask(url, operation).catch((error: unknown) => ({ errors: [error] }));
        if (isWhole(answer)) answered++;
        else failures.push(answer);
      }
    };
    const asking = Promise.all(Array.from({ length: 8 }, (_, number) => asker(number)));
    return {
      async end() {
        over.abort();
        await asking;
        return { answered, failures };
      },
    };
  }
});

function isWhole(answer: unknown): boolean {
  const { data, errors } = answer as { data?: Record<string, unknown>; errors?: unknown };
  const made = data?.['createDataset'] as { dataset: unknown } | undefined;
  return data !== undefined && errors === undefined && made?.dataset !== null;
}

/** One connection, which is not opened again. */
async function openStream(url: string, id: string) {
  const query = `subscription { trainingRunEvents(id: "${id}", after: 0) { sequence change { ... on TrainingRunStateChanged { to } } } }`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query }),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let said = '';
  return {
    /** All that was said until then. */
    async until(text: string): Promise<string> {
      while (!said.includes(text)) {
        const { value, done } = (await reader?.read()) ?? { done: true };
        if (done) throw new Error(`The stream ended without ${text}: ${said}`);
        said += value;
      }
      return said;
    },
  };
}

interface About {
  readonly supergraph?: { readonly loadedAt: string; readonly refusal: string | null };
}

function loadedAtOf(health: About | null): string {
  return health?.supergraph?.loadedAt ?? '';
}

function refusalOf(health: About | null): string | null {
  return health?.supergraph?.refusal ?? null;
}

async function ask(url: string, query: string): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

interface Ledger {
  readonly url: string;
  end(): Promise<void>;
}

async function startLedger(): Promise<Ledger> {
  const program = join(root, 'docs', 'examples', 'foreign-subgraph', 'server.mjs');
  const child: ChildProcess = spawn(process.execPath, [program, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const [said] = (await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    closed.then(() => {
      throw new Error('The ledger did not start.');
    }),
  ])) as [Buffer];
  return {
    url: /https?:\S+/.exec(said.toString())?.[0] ?? '',
    async end() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
