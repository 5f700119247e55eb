import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request as send } from 'undici';
import type { Backend } from '../../backends/contract/backend.ts';
import type { JobRunner } from '../../backends/contract/job-runner.ts';
import type { ServiceRunner } from '../../backends/contract/service-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type { Dock } from '../integration/launcher/dock.ts';
import { everyFile } from '../contract/backend/listings.ts';
import { openOn, requestedBy } from '../contract/backend/nomad-under-test.ts';
import type { BackendUnderTest } from '../contract/backend/under-test.ts';
import { nativeText, submit } from '../contract/backend/under-test.ts';
import { lingeringShell, modelServerInContainer } from './in-container.ts';

export interface RealNomad extends BackendUnderTest {
  readonly jobs: JobRunner;
  readonly services: ServiceRunner;
  readonly settings: object;
  readonly sharedFolder: string;
  /** A request of our own, beside the backend. */
  ask(path: string, method?: 'GET' | 'PUT', body?: object): Promise<unknown>;
  again(settings?: object): Promise<Backend>;
  collect(): Promise<void>;
}

/** What the cluster has beside a node with `raw_exec`; `backends/nomad/README.md` lists the variables for people. */
export const cluster = {
  image: variable('FATHOM_NOMAD_IMAGE'),
  launcherImage: variable('FATHOM_NOMAD_LAUNCHER_IMAGE'),
  /** Of `modules/Containerfile`; the nodes have `deephdc/stand-in:1` as well, see `test/contract/backend/stock-images.ts`. */
  runtimeImage: variable('FATHOM_NOMAD_RUNTIME_IMAGE'),
  networkMode: variable('FATHOM_NOMAD_NETWORK'),
  device: variable('FATHOM_NOMAD_DEVICE'),
  model: variable('FATHOM_NOMAD_MODEL'),
} as const;

/**
 * The backend on the Nomad of NOMAD_ADDR (NOMAD_TOKEN, NOMAD_NAMESPACE, NOMAD_CACERT, NOMAD_CLIENT_CERT, NOMAD_CLIENT_KEY as
 * for its own command line; FATHOM_NOMAD_OPERATOR_TOKEN where collecting needs more rights), with `raw_exec` on a node that sees this machine's folder for temporary files, or
 * FATHOM_NOMAD_FOLDER. What is made here, and nothing else, is removed at the end.
 */
export async function openRealNomad(
  more: object = {},
  dock: Dock | null = null,
): Promise<RealNomad> {
  const address = variable('NOMAD_ADDR');
  if (address === null) throw new Error('NOMAD_ADDR must be set to test against a Nomad.');
  const token = variable('NOMAD_TOKEN');
  const namespace = variable('NOMAD_NAMESPACE') ?? 'default';
  const root = variable('FATHOM_NOMAD_FOLDER') ?? tmpdir();
  const folder = await mkdtemp(join(root, 'fathom-real-nomad-'));
  const settings = {
    address,
    namespace,
    ...(token === null ? {} : { token }),
    tls: {
      authorityFile: variable('NOMAD_CACERT'),
      certificateFile: variable('NOMAD_CLIENT_CERT'),
      keyFile: variable('NOMAD_CLIENT_KEY'),
    },
    restartDelaySeconds: 0.2,
    // Nomad waits longer after each end.
    giveUpAfter: 2,
    ...(cluster.device === null ? {} : { gpu: { device: cluster.device } }),
    ...more,
  };
  const opened = await openOn({ folder, settings, dock });
  const { backend, jobs, services } = opened;
  // Others may use the namespace, also through Fathom.
  const made: Handle[] = [];
  const kept = (handle: Handle): Handle => {
    made.push(handle);
    return handle;
  };
  const dispatcher = new Agent({ connect: certificates(settings.tls) });
  const operator = variable('FATHOM_NOMAD_OPERATOR_TOKEN') ?? token;
  const ask = async (
    path: string,
    method: 'GET' | 'PUT' = 'GET',
    content: object | null = null,
  ): Promise<unknown> => {
    const headers = operator === null ? {} : { 'x-nomad-token': operator };
    const url = `${address.replace(/\/$/, '')}${path}`;
    const sent = content === null ? null : JSON.stringify(content);
    const { statusCode, body } = await send(url, { method, headers, body: sent, dispatcher });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode} ${text}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  };
  const inNamespace = `namespace=${encodeURIComponent(namespace)}`;
  const keepingJobs = (runner: JobRunner): JobRunner => ({
    submit: async (workload, options) => kept(await runner.submit(workload, options)),
    inspect: (handle) => runner.inspect(handle),
    watch: (handle, signal) => runner.watch(handle, signal),
    logs: (handle, options) => runner.logs(handle, options),
    cancel: (handle) => runner.cancel(handle),
    outputs: (handle) => runner.outputs(handle),
  });
  const keepingServices = (runner: ServiceRunner): ServiceRunner => ({
    deploy: async (workload, options) => kept(await runner.deploy(workload, options)),
    status: (handle) => runner.status(handle),
    watch: (handle, signal) => runner.watch(handle, signal),
    scale: (handle, replicas) => runner.scale(handle, replicas),
    invoke: (handle, request, options) => runner.invoke(handle, request, options),
    logs: (handle, options) => runner.logs(handle, options),
  });
  const keeping = keepingJobs(jobs);
  const serving = keepingServices(services);
  const again = async (others?: object): Promise<Backend> => {
    const other = await opened.again(others);
    return {
      name: other.name,
      type: other.type,
      capabilities: other.capabilities,
      jobs: other.jobs === null ? null : keepingJobs(other.jobs),
      services: other.services === null ? null : keepingServices(other.services),
      functions: null,
      health: () => other.health(),
      plan: (wanted, key) => other.plan(wanted, key),
      release: (handle) => other.release(handle),
      close: () => other.close(),
    };
  };
  return {
    ...opened,
    jobs: keeping,
    services: serving,
    again,
    ask,
    collect: async () => {
      // What was told of from within a job may be a moment before its end.
      for (const handle of made) await untilOver(ask, nativeText(handle, 'name'), inNamespace);
      await ask('/v1/system/gc', 'PUT');
      // It is done a moment later.
      await new Promise((resolve) => setTimeout(resolve, 1000));
    },
    gpu: cluster.model === null ? null : { model: cluster.model, native: cluster.model },
    // Nomad counts from before the task is set up, our launcher and we do from when the program runs.
    ...(dock === null ? { startSeconds: 20 } : {}),
    submitElsewhere: async (workload, key) => kept(await opened.submitElsewhere(workload, key)),
    requested: async (handle) =>
      requestedBy(await ask(`/v1/job/${nativeText(handle, 'name')}?${inNamespace}`)),
    // More than any node has.
    waitingJob: async (workload) => {
      const resources = { ...workload.resources, memoryMiB: 64 * 1024 * 1024 };
      return { handle: await submit(keeping, { ...workload, resources }), over: async () => {} };
    },
    listing: async () => {
      const names = made.map((handle) => nativeText(handle, 'name'));
      const jobsThere = await Promise.all(
        names.map((name) => ask(`/v1/job/${name}?${inNamespace}`).catch(() => null)),
      );
      const lists = ['allocations', 'evaluations', 'deployments', 'vars', 'services'].map((what) =>
        ask(`/v1/${what}?${inNamespace}`).catch(() => null),
      );
      return `${JSON.stringify([jobsThere, await Promise.all(lists)])}\n${everyFile(opened.sharedFolder)}`;
    },
    destroy: async () => {
      for (const handle of made) await backend.release(handle);
      await backend.close();
      await dispatcher.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same where everything runs in containers of FATHOM_NOMAD_IMAGE, which has a POSIX shell and node. */
export async function openRealNomadOfImages(
  more: object = {},
  dock: Dock | null = null,
): Promise<RealNomad> {
  const { image, networkMode } = cluster;
  if (image === null) throw new Error('FATHOM_NOMAD_IMAGE must be set to test images.');
  const docker = { commandImage: image, networkMode };
  const under = await openRealNomad({ docker, processes: false, ...more }, dock);
  return {
    ...under,
    shell: lingeringShell,
    dropsUnfinishedLine: true,
    server: () => ({
      kind: 'COMMAND',
      argv: ['node', '--input-type=module', '-e', modelServerInContainer('Number(PORT)')],
      image: null,
    }),
  };
}

async function untilOver(ask: RealNomad['ask'], name: string, query: string): Promise<void> {
  const over = ['complete', 'failed', 'lost'];
  for (const limit = performance.now() + 30_000; performance.now() < limit;) {
    const found = await ask(`/v1/job/${name}/allocations?${query}`);
    const all = found as readonly { readonly ClientStatus: string }[];
    if (all.every(({ ClientStatus }) => over.includes(ClientStatus))) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function variable(name: string): string | null {
  const value = process.env[name];
  return value === undefined || value === '' ? null : value;
}

function certificates(files: {
  readonly authorityFile: string | null;
  readonly certificateFile: string | null;
  readonly keyFile: string | null;
}) {
  const { authorityFile, certificateFile, keyFile } = files;
  return {
    ...(authorityFile === null ? {} : { ca: readFileSync(authorityFile) }),
    ...(certificateFile === null ? {} : { cert: readFileSync(certificateFile) }),
    ...(keyFile === null ? {} : { key: readFileSync(keyFile) }),
  };
}
