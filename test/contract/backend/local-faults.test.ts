import { spawn } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { Handle } from '../../../backends/contract/workload.ts';
import {
  allGone,
  childrenOf,
  folderOf,
  isRunning,
  pause,
  processesOf,
  stateOf,
} from './local-processes.ts';
import type { LocalUnderTest } from './local-under-test.ts';
import { openLocal } from './local-under-test.ts';
import {
  chunks,
  job,
  kindOf,
  newKey,
  printed,
  service,
  soon,
  submit,
  untilEnded,
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

describe('secrets that went with a supervisor', () => {
  test('make a service FAILED, and deploying it again makes it ready under the same handle', async () => {
    const under = await local();
    const key = newKey();
    const workload = service(under.server(), { secrets: { SECRET: 'x' } });
    const handle = await under.services.deploy(workload, { key, signal: soon() });
    for await (const { phase } of under.services.watch(handle, soon()))
      if (phase === 'READY') break;
    const { supervisor } = processesOf(under, handle);
    await under.backend.close();
    process.kill(supervisor, 'SIGKILL');
    await allGone([supervisor]);
    const after = await under.again();
    const services = after.services ?? under.services;
    expect(await services.status(handle)).toMatchObject({
      phase: 'FAILED',
      failure: expect.stringContaining('secrets') as unknown,
    });
    expect(await services.deploy(workload, { key, signal: soon() })).toEqual(handle);
    for await (const { phase } of services.watch(handle, soon())) if (phase === 'READY') break;
    await after.close();
  });

  test('do not keep a job that waits with them from being cancelled, or too many from being refused', async () => {
    const under = await local({ cpus: 1, waitingWithSecrets: 1 });
    const resources = { cpus: 1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60 };
    const secret = job(under.shell('exit 0'), { resources, secrets: { TOKEN: 'x' } });
    await submit(under.jobs, job(under.shell('sleep 60'), { resources }));
    const waiting = await submit(under.jobs, secret);
    expect(await kindOf(() => submit(under.jobs, secret))).toBe('NoCapacity');
    const { supervisor } = processesOf(under, waiting);
    expect(isRunning(supervisor)).toBe(true);
    await under.jobs.cancel(waiting);
    expect((await untilEnded(under.jobs, waiting)).exit?.cause).toBe('CANCELLED');
    expect(await allGone([supervisor])).toBe(true);
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
    // What runs there may write a file while the others are being removed.
    await rm(under.folder, { recursive: true, maxRetries: 10 });
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
