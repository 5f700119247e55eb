import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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
    const query = '{ modules(first: 1) { totalCount } }';
    const failures: unknown[] = [];
    let asked = 0;
    const over = new AbortController();
    const asking = (async () => {
      while (!over.signal.aborted) {
        const answer = (await ask(url, query).catch((error: unknown) => ({ error }))) as {
          readonly data?: unknown;
        };
        asked++;
        if (answer.data === undefined) failures.push(answer);
      }
    })();
    const before = loadedAtOf(await group.health('gateway'));
    const described = '"""Read anew."""\ntype ModuleConnection';
    await put((await ours()).replace(/^type ModuleConnection/m, described));
    await group.untilHealth('gateway', (health) => loadedAtOf(health) !== before);
    const about = await ask(url, '{ __type(name: "ModuleConnection") { description } }');
    expect(about).toEqual({ data: { __type: { description: 'Read anew.' } } });

    await put('type Query { nothing: Int }');
    await group.untilHealth('gateway', (health) => refusalOf(health) !== null);
    expect(refusalOf(await group.health('gateway'))).toContain('no supergraph');
    expect(await ask(url, query)).toMatchObject({ data: { modules: {} } });

    await put(await ours());
    await group.untilHealth('gateway', (health) => refusalOf(health) === null);
    over.abort();
    await asking;
    expect(failures).toEqual([]);
    expect(asked).toBeGreaterThan(10);
  });
});

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
