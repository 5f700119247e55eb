import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Backend, noCapabilities } from '../../../backends/contract/backend.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type { JobStatus, LogChunk } from '../../../backends/contract/job-runner.ts';
import type { Handle } from '../../../backends/contract/workload.ts';

/** How a native job stands; kept in a file, so that it outlives whoever looks at it, as on a cluster. */
interface NativeJob {
  readonly looks: number;
  readonly isCancelled: boolean;
}

const output = JSON.stringify({
  metrics: { accuracy: 0.75 },
  artifacts: [{ name: 'model', kind: 'MODEL', path: 'out/model.bin' }],
});
const files: Readonly<Record<string, string>> = { 'output.json': output, 'model.bin': 'weights' };
const lines = [
  '{"type":"phase","phase":"RUNNING"}',
  '{"type":"metrics","epoch":1,"step":1,"values":{"loss":0.5}}',
  'a line for people',
  '{"type":"metrics","epoch":2,"step":2,"values":{"loss":0.25}}',
];

/**
 * A cluster that is a folder: a job is a file made exclusively under its key's name, and each look moves it on. `step` is
 * called before and after everything that changes it.
 */
export function ledgerBackend(
  folder: string,
  endless: boolean,
  step: (what: string) => void,
): Backend {
  const pathOf = (handle: Handle): string => {
    const path = join(folder, `${handle.native['name'] as string}.json`);
    if (!existsSync(path)) throw new BackendError('NotFound', 'inspect', 'There is no such job.');
    return path;
  };
  const read = (path: string): NativeJob => JSON.parse(readFileSync(path, 'utf8')) as NativeJob;
  const write = (path: string, job: NativeJob): void => {
    writeFileSync(`${path}.new`, JSON.stringify(job));
    renameSync(`${path}.new`, path);
  };
  const look = (handle: Handle): JobStatus => {
    const path = pathOf(handle);
    const before = read(path);
    const job = { ...before, looks: before.looks + 1 };
    step('before an observation');
    write(path, job);
    step('after an observation');
    return statusOf(job, endless);
  };
  return {
    name: 'ledger',
    type: 'ledger',
    capabilities: { ...noCapabilities, images: true, cancelQueued: true },
    services: null,
    functions: null,
    health: async () => ({ reachable: true, message: '', checkedAt: 0, capacity: null }),
    plan: async () => [],
    release: async () => undefined,
    close: async () => undefined,
    jobs: {
      async submit(_workload, { key }) {
        const name = createHash('sha256').update(key).digest('hex').slice(0, 20);
        const path = join(folder, `${name}.json`);
        step('before the submit is sent');
        if (!existsSync(path)) {
          // Exclusively: who comes second finds it there.
          const file = openSync(path, 'wx');
          writeFileSync(file, JSON.stringify({ looks: 0, isCancelled: false }));
          closeSync(file);
        }
        step('before the submit is acknowledged');
        return { backend: 'ledger', version: 1, native: { name } };
      },
      inspect: async (handle) => look(handle),
      async *watch(handle, signal) {
        while (!signal.aborted) {
          const status = look(handle);
          yield status;
          if (status.phase === 'ENDED') return;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
      async *logs(handle, { after }): AsyncIterable<LogChunk> {
        const { looks } = read(pathOf(handle));
        const shown = lines.slice(0, Math.max(0, looks - 2));
        const fresh = shown.slice(Number(after ?? 0));
        if (fresh.length === 0) return;
        yield {
          cursor: String(shown.length),
          lines: fresh.map((text) => ({ at: 0, stream: 'STDOUT' as const, text })),
        };
      },
      async cancel(handle) {
        const path = pathOf(handle);
        step('before the cancel is sent');
        write(path, { ...read(path), isCancelled: true });
        step('after the cancel was sent');
      },
      outputs: async () => ({
        list: async (prefix) =>
          Object.entries(files)
            .filter(([path]) => path.startsWith(prefix))
            .map(([path, text]) => ({ path, bytes: text.length })),
        async read(path) {
          const text = files[path];
          if (text === undefined) throw new BackendError('NotFound', 'outputs', 'No such file.');
          return (async function* () {
            yield Buffer.from(text);
          })();
        },
      }),
    },
  };
}

function statusOf({ looks, isCancelled }: NativeJob, endless: boolean): JobStatus {
  const common = { native: `look ${looks}`, startedAt: null, endedAt: null, exit: null };
  if (isCancelled) {
    const exit = { cause: 'CANCELLED', code: null, signal: null, message: 'Cancelled.' } as const;
    return { ...common, phase: 'ENDED', waiting: null, exit, endedAt: looks };
  }
  if (looks <= 1) {
    const waiting = { code: 'RESOURCES_BUSY', message: 'Others are first.', raw: null } as const;
    return { ...common, phase: 'PENDING', waiting };
  }
  if (looks <= 2) return { ...common, phase: 'PREPARING', waiting: null };
  if (looks <= 6 || endless) return { ...common, phase: 'RUNNING', waiting: null, startedAt: 1 };
  const exit = { cause: 'EXITED', code: 0, signal: null, message: 'It ended with 0.' } as const;
  return { ...common, phase: 'ENDED', waiting: null, exit, startedAt: 1, endedAt: 2 };
}
