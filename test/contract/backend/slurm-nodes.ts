import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SlurmUnderTest } from './slurm-under-test.ts';
import { job, printed, submit, textOf, untilEnded, untilJob, untilPrinted } from './under-test.ts';

/** Beside what the suite of every backend promises of several nodes. */
export function slurmSeveralNodes(name: string, open: () => Promise<SlurmUnderTest>): void {
  describe(`several nodes: ${name}`, { timeout: 60_000 }, () => {
    let under: SlurmUnderTest;
    beforeAll(async () => {
      under = await open();
    }, 60_000);
    afterAll(() => under.destroy(), 60_000);

    const wide = (script: string, more: object = {}) =>
      job(under.shell(script), {
        resources: { cpus: 1, memoryMiB: 100, gpus: null, timeLimitSeconds: 60, nodes: 2, ...more },
      });

    test('lines of the others say from which node they are, the streams stay apart', async () => {
      const script =
        'echo "out of $FATHOM_NODE_RANK"; echo "err of $FATHOM_NODE_RANK" >&2; printf end';
      const handle = await submit(under.jobs, wide(script));
      expect((await untilEnded(under.jobs, handle)).exit?.code).toBe(0);
      const lines = (await printed(under.jobs, handle)).map(
        (line) => `${line.stream} ${line.text}`,
      );
      expect(lines.toSorted()).toEqual([
        'STDERR [node 1] err of 1',
        'STDERR err of 0',
        'STDOUT [node 1] end',
        'STDOUT [node 1] out of 1',
        'STDOUT end',
        'STDOUT out of 0',
      ]);
    });

    test('a cancel is told to all of them, and none goes on', async () => {
      const script =
        'trap "echo told > out/told.$FATHOM_NODE_RANK; exit 0" TERM; echo up; while :; do sleep 0.1; done';
      const handle = await submit(under.jobs, wide(script));
      for (const text of ['up', '[node 1] up']) await untilPrinted(under.jobs, handle, text);
      await under.jobs.cancel(handle);
      expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
      const outputs = await under.jobs.outputs(handle);
      expect((await outputs.list('')).map(({ path }) => path)).toEqual(['told.0', 'told.1']);
    });

    test('the time limit holds for all of them', async () => {
      const handle = await submit(under.jobs, wide('sleep 30', { timeLimitSeconds: 1 }));
      expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('TIME_LIMIT');
    });

    test('arguments and secrets reach every node unmangled', async () => {
      const script = 'printf "%s|%s" "$1" "$WORD" > out/$FATHOM_NODE_RANK';
      const word = `a b'c"d$(id)\n*;é`;
      const workload = { ...wide(script), program: under.shell(script, word) };
      const handle = await submit(under.jobs, { ...workload, secrets: { WORD: word } });
      await untilEnded(under.jobs, handle);
      const outputs = await under.jobs.outputs(handle);
      const said = await Promise.all(['0', '1'].map((rank) => textOf(outputs, rank)));
      expect(said).toEqual([`${word}|${word}`, `${word}|${word}`]);
    });

    test('a node whose program is killed says by what', async () => {
      const handle = await submit(
        under.jobs,
        wide('[ "$FATHOM_NODE_RANK" = 1 ] && kill -9 $$; sleep 30'),
      );
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({
        cause: 'SIGNALLED',
        signal: 'SIGKILL',
      });
    });

    test('what is released while it runs ends on all of them', async () => {
      const handle = await submit(under.jobs, wide('echo up; sleep 30'));
      await untilJob(under.jobs, handle, ({ phase }) => phase === 'RUNNING');
      await under.backend.release(handle);
      await expect(under.jobs.inspect(handle)).rejects.toMatchObject({ kind: 'NotFound' });
    });
  });
}
