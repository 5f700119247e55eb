import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slurmSeveralNodes } from '../contract/backend/slurm-nodes.ts';
import type { SlurmSite, SlurmUnderTest } from '../contract/backend/slurm-under-test.ts';
import { openSlurm } from '../contract/backend/slurm-under-test.ts';
import { job, printed, submit, untilEnded } from '../contract/backend/under-test.ts';
import type { RealSlurm } from './slurm.ts';

/** Two nodes that really are two to Slurm: a step daemon each, and devices of their own. */
export function slurmSpansNodes(
  name: string,
  started: () => RealSlurm,
  site: (slurm: RealSlurm) => SlurmSite,
): void {
  const open = (): Promise<SlurmUnderTest> =>
    openSlurm(site(started()), {}, `${started().folder}/shared`);
  slurmSeveralNodes(name, open);

  describe(`nodes of ${name}`, { timeout: 60_000 }, () => {
    let under: SlurmUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.destroy());

    test('each has its own node and its own GPUs, and the first one is reached at its address', async () => {
      const gpus = { count: 2, model: null, memoryMiB: null };
      const resources = { cpus: 1, memoryMiB: 200, gpus, timeLimitSeconds: 60, nodes: 2 };
      const script = `echo "$SLURMD_NODENAME has [$CUDA_VISIBLE_DEVICES]"
if [ "$FATHOM_NODE_RANK" = 0 ]; then
  exec "$1" -e 'const s = require("node:net").createServer((c) => { c.end("hello"); s.close(); }).listen(0, () => { require("node:fs").writeFileSync("port.draft", String(s.address().port)); require("node:fs").renameSync("port.draft", "port"); })'
fi
until [ -e port ]; do sleep 0.1; done
exec "$1" -e 'require("node:net").connect(Number(require("node:fs").readFileSync("port", "utf8")), process.env.FATHOM_HEAD_ADDRESS).on("data", (text) => console.log("heard " + text))'`;
      const program = under.shell(script, process.execPath);
      const handle = await submit(under.jobs, job(program, { resources }));
      expect((await untilEnded(under.jobs, handle)).exit).toMatchObject({ code: 0 });
      const [one, two] = started().nodes;
      const lines = (await printed(under.jobs, handle)).map(({ text }) => text);
      expect(lines.toSorted()).toEqual([
        `[node 1] ${two} has [0,1]`,
        '[node 1] heard hello',
        `${one} has [0,1]`,
      ]);
    });
  });
}
