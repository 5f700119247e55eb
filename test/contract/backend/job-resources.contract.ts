import { expect, test } from 'vitest';
import type { Handle } from '../../../backends/contract/workload.ts';
import type { Resources } from '../../../domain/resources.ts';
import type { JobsUnderTest } from './under-test.ts';
import { job, kindOf, newKey, printed, submit, textOf, untilEnded } from './under-test.ts';

const small: Resources = { cpus: 0.1, memoryMiB: 64, gpus: null, timeLimitSeconds: 60 };

/** What a job asks for: that the backend is asked for it, waits for it, or says that it is not to be had. */
export function resourcePromises(opened: () => JobsUnderTest): void {
  test('resources asked for are resources requested', async () => {
    const under = opened();
    const { gpu } = under;
    const gpus = gpu === null ? null : { count: 2, model: gpu.model, memoryMiB: null };
    const resources = { cpus: 2, memoryMiB: 300, gpus, timeLimitSeconds: 60 };
    const handle = await submit(under.jobs, job(under.shell('sleep 30'), { resources }));
    expect(await under.requested(handle)).toEqual({
      cpus: 2,
      memoryMiB: 300,
      gpus: gpu === null ? null : { count: 2, model: gpu.native },
    });
    await under.backend.release(handle);
  });

  test('GPUs are Unsupported where there are none', async ({ skip }) => {
    const under = opened();
    expect(under.gpu !== null).toBe(under.backend.capabilities.gpus);
    if (under.backend.capabilities.gpus) skip();
    expect(await kindOf(() => withGpu(under, null, newKey()))).toBe('Unsupported');
  });

  test('a model of GPU is Unsupported where it cannot be asked for', async ({ skip }) => {
    const under = opened();
    if (under.backend.capabilities.gpuModels) skip();
    expect(await kindOf(() => withGpu(under, 'Toy GPU', newKey()))).toBe('Unsupported');
  });

  test('a model of GPU that is not there is refused, or waited for with the reason', async ({
    skip,
  }) => {
    const under = opened();
    if (!under.backend.capabilities.gpuModels) skip();
    const key = newKey();
    const said = await withGpu(under, 'No Such Accelerator', key).catch(async (error: unknown) => ({
      refused: await kindOf(() => Promise.reject(error)),
    }));
    const answer =
      'refused' in said ? said.refused : ((await under.jobs.inspect(said)).waiting?.code ?? 'none');
    // Where the scheduler has not spoken yet, it is starting.
    expect(['Unsupported', 'NO_ACCELERATOR', 'UNSCHEDULABLE', 'STARTING']).toContain(answer);
    if (!('refused' in said)) await under.backend.release(said);
    const handle = await submit(under.jobs, job(under.shell('exit 3')), key);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(3);
  });

  test('a job that waits says why, and cancelled there it never starts', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.cancelQueued) skip();
    const { handle, over } = await under.waitingJob(job(under.shell('echo here; echo 1 > out/x')));
    const before = await under.jobs.inspect(handle);
    expect(before).toMatchObject({ phase: 'PENDING', exit: null, startedAt: null, endedAt: null });
    expect(before.waiting?.message).toMatch(/\w+ .*\.$/s);
    await Promise.all([under.jobs.cancel(handle), under.jobs.cancel(handle)]);
    const ended = await untilEnded(under.jobs, handle);
    expect(ended).toMatchObject({ exit: { cause: 'CANCELLED', code: null }, startedAt: null });
    await over();
    await under.jobs.cancel(handle);
    expect(await under.jobs.inspect(handle)).toEqual(ended);
    expect(await printed(under.jobs, handle)).toEqual([]);
    expect(await (await under.jobs.outputs(handle)).list('')).toEqual([]);
    await under.backend.release(handle);
  });

  test('a job that waits cannot be cancelled where that is said', async ({ skip }) => {
    const under = opened();
    if (under.backend.capabilities.cancelQueued) skip();
    const { handle, over } = await under.waitingJob(job(under.shell('exit 0')));
    expect(await kindOf(() => under.jobs.cancel(handle))).toBe('Unsupported');
    await over();
    await under.backend.release(handle);
  });

  test('several nodes are Unsupported where a job has one', async ({ skip }) => {
    const under = opened();
    if (under.backend.capabilities.severalNodes) skip();
    const key = newKey();
    const onNodes = (nodes: number) =>
      job(under.shell('exit 3'), { resources: { ...small, nodes } });
    expect(await kindOf(() => submit(under.jobs, onNodes(2), key))).toBe('Unsupported');
    const handle = await submit(under.jobs, onNodes(1), key);
    expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(3);
  });

  test('on several nodes the program runs once on each, and knows which it is', async ({
    skip,
  }) => {
    const under = opened();
    if (!under.backend.capabilities.severalNodes) skip();
    const script = `echo "$FATHOM_NODE_RANK of $FATHOM_NODES, head \${FATHOM_HEAD_ADDRESS:?}" >> "out/$FATHOM_NODE_RANK"`;
    const workload = job(under.shell(script), { resources: { ...small, nodes: 2 } });
    const handle = await submit(under.jobs, workload);
    expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ cause: 'EXITED', code: 0 });
    const outputs = await under.jobs.outputs(handle);
    expect((await outputs.list('')).map(({ path }) => path)).toEqual(['0', '1']);
    const said = await Promise.all(['0', '1'].map((rank) => textOf(outputs, rank)));
    const heads = said.map((text, rank) => {
      const [, head] = new RegExp(`^${rank} of 2, head (\\S+)\n$`).exec(text) ?? [];
      return head;
    });
    expect(heads[0]).toMatch(/./);
    expect(heads[1]).toBe(heads[0]);
  });

  test('a job on several nodes fails when one of them fails, and ends on all', async ({ skip }) => {
    const under = opened();
    if (!under.backend.capabilities.severalNodes) skip();
    const script = '[ "$FATHOM_NODE_RANK" = 1 ] && exit 7; sleep 60';
    const workload = job(under.shell(script), { resources: { ...small, nodes: 2 } });
    const { exit } = await untilEnded(under.jobs, await submit(under.jobs, workload));
    expect(exit).toMatchObject({ cause: 'EXITED', code: 7 });
  });
}

function withGpu(under: JobsUnderTest, model: string | null, key: string): Promise<Handle> {
  const resources = { ...small, gpus: { count: 1, model, memoryMiB: null } };
  return submit(under.jobs, job(under.shell('exit 0'), { resources }), key);
}
