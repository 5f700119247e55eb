import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobExit } from '../../../backends/contract/job-runner.ts';
import type { Handle, JobWorkload } from '../../../backends/contract/workload.ts';
import type { LocalUnderTest } from './local-under-test.ts';
import { openLocal } from './local-under-test.ts';
import {
  chunks,
  job,
  newKey,
  printed,
  service,
  soon,
  submit,
  untilEnded,
  untilJob,
  untilPrinted,
} from './under-test.ts';

const here = dirname(fileURLToPath(import.meta.url));
const open: LocalUnderTest[] = [];

async function local(settings: object = {}): Promise<LocalUnderTest> {
  const under = await openLocal(settings);
  open.push(under);
  return under;
}

afterEach(async () => {
  for (const under of open.splice(0)) await under.destroy();
});

describe('a submit that is killed', () => {
  test.each([
    ['without secrets', {}, 1],
    // The lines that make the folder are the same; what comes behind them is not.
    ['with secrets', { TOKEN: 'x' }, 18],
  ])(
    'at any line is finished by the next one, and one program starts: %s',
    async (_, secrets, from) => {
      const under = await local();
      const program = await builtSubmitter(under.folder);
      const starts = join(under.folder, '..', 'starts');
      await mkdir(starts);
      const workloadOf = (step: number): JobWorkload =>
        job(under.shell(`echo start >> '${starts}/${step}'; test -z "$1" || exit 0`, 'x'), {
          secrets,
          inputs: [
            { path: 'a', content: { kind: 'TEXT', text: 'a' } },
            { path: 'b/c', content: { kind: 'TEXT', text: 'c' } },
          ],
        });
      // In a folder that nobody else looks at, so that nobody else finishes what was begun.
      const order = { stateFolder: under.folder, blobs: under.folder, settings: under.settings };
      await under.backend.close();
      let step = from - 1;
      for (let killed = true; killed;) {
        step++;
        const { status, signal } = spawnSync(
          process.execPath,
          ['--import', join(here, 'crash-at.mjs'), program],
          {
            input: JSON.stringify({ ...order, workload: workloadOf(step), key: `step ${step}` }),
            env: { PATH: process.env['PATH'] ?? '', CRASH_AT: String(step) },
            timeout: 10_000,
          },
        );
        killed = signal === 'SIGKILL';
        expect(killed || status === 0).toBe(true);
      }
      expect(step).toBeGreaterThan(25);
      const after = await under.again();
      const { jobs } = after;
      if (jobs === null) throw new Error('no jobs');
      const again = async (number: number): Promise<JobExit | null> => {
        const handle = await submit(jobs, workloadOf(number), `step ${number}`);
        return (await untilEnded(jobs, handle)).exit;
      };
      const ends = await Promise.all(
        Array.from({ length: step - from + 1 }, (_each, index) => again(index + from)),
      );
      for (const exit of ends) expect(exit).toMatchObject({ cause: 'EXITED', code: 0 });
      for (let number = from; number <= step; number++) {
        expect(readFileSync(join(starts, String(number)), 'utf8')).toBe('start\n');
      }
      await after.close();
    },
    60_000,
  );
});

describe('a supervisor that is killed', () => {
  test('takes its program with it, and the job ends as UNKNOWN with the evidence', async () => {
    const under = await local();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60 & sleep 60')));
    await untilPrinted(under.jobs, handle, 'up');
    const pids = processesOf(under, handle);
    process.kill(pids.supervisor, 'SIGKILL');
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit?.cause).toBe('UNKNOWN');
    expect(exit?.message).toContain(String(pids.supervisor));
    expect(await allGone(pids.marked)).toBe(true);
    await under.jobs.cancel(handle);
    expect((await under.jobs.inspect(handle)).exit).toEqual(exit);
  });

  test('together with its guard leaves a program that the next look ends', async () => {
    const under = await local();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60 & sleep 60')));
    await untilPrinted(under.jobs, handle, 'up');
    const pids = processesOf(under, handle);
    await under.backend.close();
    for (const pid of childrenOf(pids.supervisor)) {
      if (pid !== pids.program) process.kill(pid, 'SIGKILL');
    }
    process.kill(pids.supervisor, 'SIGKILL');
    await pause(100);
    expect(isRunning(pids.program)).toBe(true);
    const after = await under.again();
    const status = await after.jobs?.inspect(handle);
    expect(status?.exit?.cause).toBe('UNKNOWN');
    expect(await allGone(pids.marked)).toBe(true);
    await after.close();
  });

  test('of a service is replaced, and its servers do not go on beside the new ones', async () => {
    const under = await local();
    const workload = service(under.server(), { replicas: 2 });
    const handle = await under.services.deploy(workload, { key: newKey(), signal: soon() });
    const readyIds = async (): Promise<readonly string[]> => {
      for await (const { replicas } of under.services.watch(handle, soon())) {
        const ready = replicas.filter(({ phase }) => phase === 'READY').map(({ id }) => id);
        if (ready.length === 2 && ready.every((id) => !before.includes(id))) return ready;
      }
      throw new Error('the servers did not come');
    };
    let before: readonly string[] = [];
    before = await readyIds();
    const pids = processesOf(under, handle);
    expect(pids.marked.length).toBeGreaterThanOrEqual(2);
    process.kill(pids.supervisor, 'SIGKILL');
    await readyIds();
    expect(await allGone(pids.marked)).toBe(true);
  });
});

describe('the server that is down', () => {
  test('is not missed by a service: its servers are replaced all the same', async () => {
    const under = await local();
    const workload = service(under.server());
    const handle = await under.services.deploy(workload, { key: newKey(), signal: soon() });
    for await (const { phase } of under.services.watch(handle, soon()))
      if (phase === 'READY') break;
    await under.backend.close();
    const before = stateOf(under, handle);
    process.kill(before.replicas[0]?.process?.pid ?? 0, 'SIGKILL');
    for (const limit = soon(); ; await pause(20)) {
      const { replicas, restarts } = stateOf(under, handle);
      if (replicas[0]?.phase === 'READY' && restarts === 1) break;
      expect(limit.aborted).toBe(false);
    }
  });

  test('finds the queue as it was, in order, and what waited with secrets still has them', async () => {
    const under = await local({ cpus: 1 });
    const order = join(under.folder, 'order');
    const one = { cpus: 1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60 };
    const say = (name: string) => under.shell(`echo ${name}$TOKEN >> '${order}'`);
    const block = under.shell(`while [ ! -e '${order}' ]; do sleep 0.02; done`);
    await submit(under.jobs, job(block, { resources: one }));
    const handles: Handle[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      const secrets = name === 'b' ? { TOKEN: ' secret' } : {};
      handles.push(await submit(under.jobs, job(say(name), { resources: one, secrets })));
    }
    const last = handles[3];
    if (last === undefined) throw new Error('no handle');
    const { phase, waiting } = await under.jobs.inspect(last);
    expect({ phase, code: waiting?.code }).toEqual({ phase: 'PENDING', code: 'RESOURCES_BUSY' });
    expect((await under.backend.health()).capacity).toMatchObject({ cpusInUse: 1, queued: 4 });
    await under.backend.close();
    const after = await under.again();
    expect((await after.health()).capacity).toMatchObject({ queued: 4 });
    writeFileSync(order, '');
    if (after.jobs === null) throw new Error('no jobs');
    await untilEnded(after.jobs, last);
    expect(readFileSync(order, 'utf8')).toBe('a\nb secret\nc\nd\n');
    await after.close();
  });
});

describe('the queue', () => {
  test('lets nothing small overtake what waits for room, and starts it when there is room', async () => {
    const under = await local({ cpus: 2 });
    const sized = (cpus: number) => ({
      resources: { cpus, memoryMiB: 64, gpus: null, timeLimitSeconds: 60 },
    });
    const running = await submit(under.jobs, job(under.shell('sleep 60'), sized(1)));
    const large = await submit(under.jobs, job(under.shell('sleep 0.1'), sized(2)));
    const small = await submit(under.jobs, job(under.shell('exit 0'), sized(1)));
    await untilJob(under.jobs, running, ({ phase }) => phase === 'RUNNING');
    expect((await under.jobs.inspect(large)).phase).toBe('PENDING');
    expect((await under.jobs.inspect(small)).phase).toBe('PENDING');
    await under.jobs.cancel(running);
    const [first, second] = await Promise.all([
      untilEnded(under.jobs, large),
      untilEnded(under.jobs, small),
    ]);
    expect(first.endedAt).toBeLessThanOrEqual(second.startedAt ?? 0);
  });

  test('keeps what can never fit, says why, and lets others pass', async () => {
    const under = await local({ cpus: 2, memoryMiB: 1000, gpus: 'detect', nvidiaSmi: '/no/smi' });
    const sized = (more: object) =>
      job(under.shell('exit 0'), {
        resources: { cpus: 1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60, ...more },
      });
    const waitingOf = async (more: object) => {
      const handle = await submit(under.jobs, sized(more));
      const { phase, waiting } = await under.jobs.inspect(handle);
      expect(phase).toBe('PENDING');
      return { handle, waiting };
    };
    expect((await waitingOf({ cpus: 3 })).waiting?.code).toBe('RESOURCES_EXCEED_SITE');
    expect((await waitingOf({ memoryMiB: 1001 })).waiting?.code).toBe('RESOURCES_EXCEED_SITE');
    const gpu = await waitingOf({ gpus: { count: 1, model: null, memoryMiB: null } });
    expect(gpu.waiting?.code).toBe('NO_ACCELERATOR');
    expect(gpu.waiting?.raw).toContain('/no/smi');
    expect(under.backend.capabilities.gpus).toBe(false);
    const fits = await submit(under.jobs, sized({}));
    expect((await untilEnded(under.jobs, fits)).exit?.code).toBe(0);
    await under.jobs.cancel(gpu.handle);
    const { exit, startedAt } = await untilEnded(under.jobs, gpu.handle);
    expect({ cause: exit?.cause, startedAt }).toEqual({ cause: 'CANCELLED', startedAt: null });
  });

  test('gives each job accelerators of its own, by model and memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-smi-'));
    const smi = join(folder, 'nvidia-smi');
    writeFileSync(
      smi,
      `#!/bin/sh
      test "$1 $2" = "--query-gpu=index,name,memory.total --format=csv,noheader" || exit 9
      echo "0, NVIDIA A100-PCIE-40GB, 40960 MiB"
      echo "1, Tesla T4, 15360 MiB"
      echo "2, NVIDIA A100-PCIE-40GB, 40960 MiB"\n`,
    );
    chmodSync(smi, 0o755);
    const path = process.env['PATH'];
    process.env['PATH'] = `${folder}:${path}`;
    const under = await local({ gpus: 'detect' });
    process.env['PATH'] = path;
    expect(under.backend.capabilities).toMatchObject({ gpus: true, gpuModels: true });
    const wants = (model: string | null, memoryMiB: number | null, count = 1) =>
      submit(
        under.jobs,
        job(
          under.shell(
            'echo "gpus=$CUDA_VISIBLE_DEVICES"; while [ ! -e out/go ]; do sleep 0.02; done',
          ),
          {
            resources: {
              cpus: 0.1,
              memoryMiB: 64,
              gpus: { count, model, memoryMiB },
              timeLimitSeconds: 60,
            },
          },
        ),
      );
    const seen = async (handle: Handle): Promise<string | undefined> => {
      await untilPrinted(under.jobs, handle, 'gpus=');
      return (await printed(under.jobs, handle))[0]?.text;
    };
    const a100 = await wants('nvidia a100-pcie-40gb', null);
    const large = await wants(null, 20_000);
    const any = await wants(null, null);
    expect(await Promise.all([a100, large, any].map(seen))).toEqual(['gpus=0', 'gpus=2', 'gpus=1']);
    const late = await wants('Tesla T4', null);
    expect((await under.jobs.inspect(late)).waiting?.code).toBe('RESOURCES_BUSY');
    const many = await wants('Tesla T4', null, 2);
    expect((await under.jobs.inspect(many)).waiting?.code).toBe('RESOURCES_EXCEED_SITE');
    const none = await submit(under.jobs, job(under.shell('echo "gpus=$CUDA_VISIBLE_DEVICES"')));
    expect(await seen(none)).toBe('gpus=');
    await under.jobs.cancel(any);
    expect(await seen(late)).toBe('gpus=1');
    await rm(folder, { recursive: true });
  });
});

describe('nothing is left behind', () => {
  const escapes = `
    sh -c 'sleep 61' & (sh -c 'sleep 62' &) ; (setsid sh -c 'sleep 63; true' > /dev/null 2>&1 &)
    setsid sh -c 'setsid sh -c "sleep 64; true" &' ; echo up`;

  test.skipIf(process.platform !== 'linux').each([
    ['that ended by itself', 'exit 3', null, 'EXITED'],
    [
      'that was cancelled and ignores it',
      'trap "" TERM; sleep 60; sleep 60',
      'cancel',
      'CANCELLED',
    ],
    ['that was released', 'sleep 60', 'release', null],
  ])('of a job %s, not even daemons with a session of their own', async (_, rest, act, cause) => {
    const under = await local({ stopGraceSeconds: 0.2 });
    const gate = join(under.folder, '..', 'gate');
    const wait = `while [ ! -e '${gate}' ]; do sleep 0.02; done`;
    const handle = await submit(under.jobs, job(under.shell(`${escapes}; ${wait}; ${rest}`)));
    await untilPrinted(under.jobs, handle, 'up');
    await pause(50);
    const { marked } = processesOf(under, handle);
    expect(marked.length).toBeGreaterThanOrEqual(5);
    writeFileSync(gate, '');
    if (act === 'cancel') await under.jobs.cancel(handle);
    if (act === 'release') await under.backend.release(handle);
    const exit = act === 'release' ? null : (await untilEnded(under.jobs, handle)).exit;
    expect(exit?.cause ?? null).toBe(cause);
    expect(marked.filter(isRunning)).toEqual([]);
  });
});

describe('a state folder that is removed under everything', () => {
  test('ends what ran there', async () => {
    const under = await local();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60')));
    await untilPrinted(under.jobs, handle, 'up');
    const key = newKey();
    const served = await under.services.deploy(service(under.server()), { key, signal: soon() });
    for await (const { phase } of under.services.watch(served, soon())) {
      if (phase === 'READY') break;
    }
    const pids = [processesOf(under, handle), processesOf(under, served)];
    await under.backend.close();
    await rm(under.folder, { recursive: true });
    const all = pids.flatMap(({ supervisor, marked }) => [supervisor, ...marked]);
    expect(all.length).toBeGreaterThanOrEqual(4);
    expect(await allGone(all)).toBe(true);
  });
});

describe('a number that another process has now', () => {
  test('is neither trusted nor signalled', async () => {
    const under = await local();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60')));
    await untilPrinted(under.jobs, handle, 'up');
    const { supervisor } = processesOf(under, handle);
    const bystander = spawn('sleep', ['30'], { detached: true, stdio: 'ignore' });
    process.kill(supervisor, 'SIGKILL');
    for (const file of ['supervisor.1.json', 'program.json']) {
      const path = join(folderOf(under, handle), file);
      const record = JSON.parse(readFileSync(path, 'utf8')) as object;
      writeFileSync(`${path}.new`, JSON.stringify({ ...record, pid: bystander.pid }));
      renameSync(`${path}.new`, path);
    }
    await under.jobs.cancel(handle);
    expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('UNKNOWN');
    expect(isRunning(bystander.pid ?? 0)).toBe(true);
    bystander.kill('SIGKILL');
  });

  test('after the machine was started anew means nothing at all', async () => {
    const under = await local();
    const handle = await submit(under.jobs, job(under.shell('echo up; sleep 60')));
    await untilPrinted(under.jobs, handle, 'up');
    const { supervisor, program } = processesOf(under, handle);
    process.kill(supervisor, 'SIGKILL');
    for (const [file, pid] of [
      ['supervisor.1.json', process.pid],
      ['program.json', process.pid],
    ] as const) {
      const path = join(folderOf(under, handle), file);
      const record = JSON.parse(readFileSync(path, 'utf8')) as object;
      writeFileSync(`${path}.new`, JSON.stringify({ ...record, pid, bootId: 'another boot' }));
      renameSync(`${path}.new`, path);
    }
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit?.cause).toBe('UNKNOWN');
    expect(exit?.message).toContain('started anew');
    expect(await allGone([program])).toBe(true);
  });
});

test('a flood is bounded, says how much was dropped, and ends as it would have', async () => {
  const under = await local({ logLimitMiB: 1 });
  const handle = await submit(
    under.jobs,
    job(under.shell('yes "a line of the flood" | head -c 50000000; echo "the end" >&2; exit 3')),
  );
  const { exit } = await untilEnded(under.jobs, handle);
  expect(exit?.code).toBe(3);
  expect(exit?.message).toContain('the end');
  const lines = await printed(under.jobs, handle);
  const bytes = lines.reduce((sum, { text }) => sum + text.length, 0);
  expect(bytes).toBeLessThan(1024 * 1024);
  expect(bytes).toBeGreaterThan(400_000);
  expect(lines.at(-1)?.text).toMatch(/^fathom: \d{8} bytes of output were dropped in all$/);
  const [first, second] = await chunks(under.jobs, handle);
  expect(await printed(under.jobs, handle, first?.cursor ?? null)).toEqual(
    lines.slice(first?.lines.length),
  );
  expect(second).toBeDefined();
});

test('an end that was written by a newer version is reported as data', async () => {
  const under = await local();
  const handle = await submit(under.jobs, job(under.shell('exit 0')));
  await untilEnded(under.jobs, handle);
  for (const content of ['{"cause":"PREEMPTED","by":"x"}', 'no JSON', '[]', '']) {
    writeFileSync(join(folderOf(under, handle), 'exit.json'), content);
    const status = await under.jobs.inspect(handle);
    expect(status).toMatchObject({ phase: 'UNKNOWN', exit: null });
  }
});

test('a supervisor that cannot be started is tried again, and the reason is in the log', async () => {
  const under = await local();
  const broken = await under.again({ supervisor: [process.execPath, '/no/supervisor.js'] });
  const key = newKey();
  const workload = job(under.shell('exit 5'));
  const handle = await submit(broken.jobs ?? under.jobs, workload, key);
  for (const limit = soon(); !under.log.join('\n').includes('/no/supervisor.js'); await pause(10)) {
    expect(limit.aborted).toBe(false);
  }
  expect((await under.jobs.inspect(handle)).phase).toBe('PREPARING');
  await submit(under.jobs, workload, key);
  expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(5);
  await broken.close();
});

test('the supervisor also runs from its source', async () => {
  const source = join(here, '../../../backends/local/supervisor.ts');
  const under = await local({ supervisor: [process.execPath, source] });
  const handle = await submit(under.jobs, job(under.shell('exit 5')));
  expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(5);
});

async function builtSubmitter(folder: string): Promise<string> {
  const outfile = join(folder, '..', 'submitter.mjs');
  await build({
    entryPoints: [join(here, 'submitting-process.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return outfile;
}

interface State {
  readonly replicas: readonly {
    readonly phase: string;
    readonly process: { pid: number } | null;
  }[];
  readonly restarts: number;
}

function stateOf(under: LocalUnderTest, handle: Handle): State {
  return JSON.parse(readFileSync(join(folderOf(under, handle), 'state.json'), 'utf8')) as State;
}

function folderOf(under: LocalUnderTest, handle: Handle): string {
  const { kind, name } = handle.native as { kind: string; name: string };
  return join(under.folder, kind === 'JOB' ? 'jobs' : 'services', name);
}

/** The supervisor, the program of a job, and every process that carries the mark. */
function processesOf(under: LocalUnderTest, handle: Handle) {
  const folder = folderOf(under, handle);
  const read = (file: string): { pid: number; mark: string } | null =>
    existsSync(join(folder, file))
      ? (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { pid: number; mark: string })
      : null;
  const mark = read('record.json')?.mark ?? 'none';
  return {
    supervisor: read('supervisor.1.json')?.pid ?? 0,
    program: read('program.json')?.pid ?? 0,
    marked: allPids().filter((pid) => environmentOf(pid).includes(`FATHOM_PROCESS_MARK=${mark}`)),
  };
}

function allPids(): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid));
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

function childrenOf(parent: number): readonly number[] {
  return allPids().filter((pid) => statOf(pid)?.[1] === String(parent));
}

function statOf(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

async function allGone(pids: readonly number[]): Promise<boolean> {
  for (const limit = soon(); !limit.aborted; await pause(10)) {
    if (!pids.some(isRunning)) return true;
  }
  return false;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
