import { afterEach, expect, test } from 'vitest';
import { createBackend } from '../../../backends/registry.ts';
import type { KubernetesUnderTest } from './kubernetes-under-test.ts';
import { openWithLauncher } from './kubernetes-under-test.ts';
import { knownBlobs, localSurroundings } from './local-surroundings.ts';
import { job, kindOf, printed, submit, textOf, untilEnded } from './under-test.ts';

const open: KubernetesUnderTest[] = [];

async function cluster(
  ...options: Parameters<typeof openWithLauncher>
): ReturnType<typeof openWithLauncher> {
  const under = await openWithLauncher(...options);
  open.push(under);
  return under;
}

afterEach(async () => {
  for (const under of open.splice(0)) await under.destroy();
});

test.each(['BESIDE', 'AROUND'] as const)(
  'without a shared folder, data comes and outputs return by a launcher %s the program',
  async (where) => {
    const under = await cluster(where);
    const content = { kind: 'BLOB', sha256: under.blob('data\n'), bytes: 5, url: null } as const;
    const script = 'cat in/put; env | grep -c FATHOM_DELIVERY; cat in/put > out/made; exit 3';
    const workload = job(under.shell(script), { inputs: [{ path: 'in/put', content }] });
    const handle = await submit(under.jobs, workload);
    const { exit } = await untilEnded(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'EXITED', code: 3 });
    expect((await printed(under.jobs, handle)).map(({ text }) => text)).toEqual(['data', '0']);
    const outputs = await under.jobs.outputs(handle);
    expect(await textOf(outputs, 'made')).toBe('data\n');
    await under.backend.release(handle);
    expect(await kindOf(() => under.jobs.outputs(handle))).toBe('NotFound');
    expect(under.fake.objects.list('secrets')).toEqual([]);
  },
);

test('data that cannot be brought starts nothing, and says so', async () => {
  const under = await cluster('BESIDE');
  const sha256 = 'b'.repeat(64);
  knownBlobs.set(sha256, 'another content than was announced');
  const content = { kind: 'BLOB', sha256, bytes: 5, url: null } as const;
  const workload = job(under.shell('echo started'), { inputs: [{ path: 'b', content }] });
  const handle = await submit(under.jobs, workload);
  const { exit, startedAt } = await untilEnded(under.jobs, handle);
  expect(exit).toMatchObject({ cause: 'NOT_STARTED', code: null });
  expect(exit?.message).toContain('"b"');
  expect(startedAt).toBeNull();
  expect(await printed(under.jobs, handle)).toEqual([]);
});

test('a server that has no address for launchers says that it is Unsupported', async () => {
  const under = await cluster('BESIDE');
  const other = await createBackend(
    'kubernetes',
    'cluster',
    under.settings,
    localSurroundings('/nonexistent', '/nonexistent', []),
  );
  const { jobs } = other;
  if (jobs === null) throw new Error('it runs no jobs');
  expect(await kindOf(() => submit(jobs, job(under.shell('exit 0'))))).toBe('Unsupported');
  await other.close();
});
