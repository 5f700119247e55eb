import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Backend, noCapabilities } from '../../../backends/contract/backend.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type {
  ArrayMember,
  JobArray,
  JobStatus,
  LogChunk,
} from '../../../backends/contract/job-runner.ts';
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

export interface LedgerTraits {
  /** Ends at its first look, after several, or never. */
  readonly length: 'SHORT' | 'LONG' | 'ENDLESS';
  readonly arrays: boolean;
}

/** The native jobs of a folder, and the arrays that some of them are in. */
export function ledgerOf(folder: string): { readonly jobs: number; readonly arrays: number } {
  const arrays = readdirSync(folder).filter((name) => name.startsWith('array-'));
  const files = [folder, ...arrays.map((name) => join(folder, name))].flatMap((at) =>
    readdirSync(at),
  );
  return { jobs: files.filter((name) => name.endsWith('.json')).length, arrays: arrays.length };
}

/**
 * A cluster that is a folder: a job is a file made exclusively under its key's name, and each look moves it on; an array
 * is a folder of such files, made at once. `step` is called before and after everything that changes it.
 */
export function ledgerBackend(
  folder: string,
  { length, arrays }: LedgerTraits,
  step: (what: string) => void,
): Backend {
  const find = (name: string): string | undefined =>
    [folder, ...readdirSync(folder).map((entry) => join(folder, entry))]
      .map((at) => join(at, `${name}.json`))
      .find((path) => existsSync(path));
  const pathOf = (handle: Handle): string => {
    const path = find(handle.native['name'] as string);
    if (path === undefined) throw new BackendError('NotFound', 'inspect', 'There is no such job.');
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
    return statusOf(job, length);
  };
  return {
    name: 'ledger',
    type: 'ledger',
    capabilities: { ...noCapabilities, images: true, cancelQueued: true, arrays },
    services: null,
    functions: null,
    health: async () => ({ reachable: true, message: '', checkedAt: 0, capacity: null }),
    plan: async () => [],
    release: async () => undefined,
    close: async () => undefined,
    jobs: {
      async submit(_workload, { key, array }) {
        const name = nameOf(key);
        const members = arrays && array !== undefined ? await array.members() : [];
        step('before the submit is sent');
        if (array !== undefined && find(name) === undefined) makeArray(folder, array, members);
        if (find(name) === undefined) {
          // Exclusively: who comes second finds it there.
          const file = openSync(join(folder, `${name}.json`), 'wx');
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

function nameOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 20);
}

/** Whole or not at all, and once: a second one of the same key would not be taken. */
function makeArray(folder: string, { key }: JobArray, members: readonly ArrayMember[]): void {
  const path = join(folder, `array-${nameOf(key)}`);
  if (existsSync(path) || members.length === 0) return;
  const partial = join(folder, '.partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  for (const member of members) {
    const job = JSON.stringify({ looks: 0, isCancelled: false });
    writeFileSync(join(partial, `${nameOf(member.key)}.json`), job);
  }
  renameSync(partial, path);
}

function statusOf({ looks, isCancelled }: NativeJob, length: LedgerTraits['length']): JobStatus {
  const common = { native: `look ${looks}`, startedAt: null, endedAt: null, exit: null };
  if (isCancelled) {
    const exit = { cause: 'CANCELLED', code: null, signal: null, message: 'Cancelled.' } as const;
    return { ...common, phase: 'ENDED', waiting: null, exit, endedAt: looks };
  }
  if (length === 'SHORT') return ended(common);
  if (looks <= 1) {
    const waiting = { code: 'RESOURCES_BUSY', message: 'Others are first.', raw: null } as const;
    return { ...common, phase: 'PENDING', waiting };
  }
  if (looks <= 2) return { ...common, phase: 'PREPARING', waiting: null };
  if (looks <= 6 || length === 'ENDLESS')
    return { ...common, phase: 'RUNNING', waiting: null, startedAt: 1 };
  return ended(common);
}

function ended(common: Pick<JobStatus, 'native'>): JobStatus {
  const exit = { cause: 'EXITED', code: 0, signal: null, message: 'It ended with 0.' } as const;
  return { ...common, phase: 'ENDED', waiting: null, exit, startedAt: 1, endedAt: 2 };
}
