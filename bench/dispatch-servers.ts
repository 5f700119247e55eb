import { readFileSync } from 'node:fs';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import type { Backend } from '../backends/contract/backend.ts';
import type { JobWorkload } from '../backends/contract/workload.ts';
import { signToken } from '../backends/slurm/rest/token.ts';
import { createBackend } from '../backends/registry.ts';
import { FakeKubernetes } from '../test/fakes/kubernetes/server.ts';
import { legacy } from '../test/fakes/slurm/rest-shapes.ts';
import { fakeRest } from '../test/fakes/slurm/site.ts';
import { RealSlurm } from '../test/real/slurm.ts';
import { slowProxy, type SlowProxy } from './slow-proxy.ts';

/** A server that takes jobs and starts none, behind a proxy; by its own API and by our backend. */
export interface DispatchServer {
  readonly name: string;
  readonly proxy: SlowProxy;
  readonly backend: Backend;
  /** The least that a submit can be: one request, ready-made, with nothing to find it again by. */
  submitStraight(name: string): Promise<void>;
  close(): Promise<void>;
}

export const workload: JobWorkload = {
  title: 'dispatch',
  program: { kind: 'COMMAND', argv: ['true'], image: null },
  environment: { ONE: '1' },
  secrets: {},
  inputs: [],
  resources: { cpus: 1, memoryMiB: 100, gpus: null, timeLimitSeconds: 60 },
  labels: {},
};

export async function fakeSlurm(): Promise<DispatchServer> {
  const site = await fakeRest(legacy);
  site.cluster.holdNewJobs();
  return slurmServer({
    name: 'slurmrestd, fake',
    url: site.url,
    key: site.server.key,
    keyFile: join(site.cluster.folder, 'jwt.key'),
    user: 'alice',
    parent: tmpdir(),
    close: () => site.destroy(),
  });
}

/** Null, with the reason, where Slurm cannot be started. */
export async function realSlurm(): Promise<DispatchServer | { readonly missing: string }> {
  const slurm = await RealSlurm.start().catch((error: unknown) => ({ missing: String(error) }));
  if ('missing' in slurm) return slurm;
  await slurm.command('scontrol', 'update', 'partitionname=main', 'state=down');
  return slurmServer({
    name: `slurmrestd ${slurm.version}, real`,
    url: slurm.restUrl,
    key: readFileSync(slurm.keyFile),
    keyFile: slurm.keyFile,
    user: 'root',
    parent: `${slurm.folder}/shared`,
    close: async () => slurm.stop(),
  });
}

async function slurmServer(site: {
  readonly name: string;
  readonly url: string;
  readonly key: Buffer;
  readonly keyFile: string;
  readonly user: string;
  readonly parent: string;
  close(): Promise<void>;
}): Promise<DispatchServer> {
  const sharedFolder = await mkdtemp(join(site.parent, 'fathom-dispatch-'));
  const proxy = await slowProxy(site.url);
  const { user, keyFile } = site;
  const transport = { kind: 'rest', url: proxy.url, user, credentials: { keyFile } };
  const backend = await open('slurm', { transport, sharedFolder, pollMs: 100 }, sharedFolder);
  const [planned] = await backend.plan({ kind: 'JOB', workload }, 'straight');
  if (planned === undefined) throw new Error('there is no plan');
  const iat = Math.floor(Date.now() / 1000);
  const token = signToken(site.key, { iat, exp: iat + 3600, sun: user });
  const body = JSON.parse(planned.text) as { job: object };
  const agent = new Agent({ connections: 8 });
  return {
    name: site.name,
    proxy,
    backend,
    submitStraight: (name) =>
      post(agent, proxy.url + (planned.title.split(' ')[1] ?? ''), {
        headers: { 'x-slurm-user-name': user, 'x-slurm-user-token': token },
        body: { ...body, job: { ...body.job, name, current_working_directory: '/tmp' } },
      }),
    close: async () => {
      await Promise.all([backend.close(), agent.destroy()]);
      await proxy.close();
      await site.close();
      await rm(sharedFolder, { recursive: true, force: true });
    },
  };
}

export async function fakeKubernetes(): Promise<DispatchServer> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-dispatch-'));
  const fake = await FakeKubernetes.start({ claims: { shared: folder } });
  const proxy = await slowProxy(fake.url);
  const settings = {
    connection: { kind: 'token', server: proxy.url, token: fake.token, skipTlsVerify: true },
    namespace: 'ml',
    sharedFolder: { path: folder, persistentVolumeClaim: 'shared', mountPath: folder },
    commandImage: 'fake/commands:1',
    // No node of the fake has it, so nothing starts.
    nodeSelector: { pool: 'none' },
  };
  const backend = await open('kubernetes', settings, folder);
  const plan = await backend.plan({ kind: 'JOB', workload }, 'straight');
  const manifest = JSON.parse(plan.find(({ title }) => title === 'Job')?.text ?? '') as {
    metadata: object;
  };
  const agent = new Agent({ connections: 8 });
  return {
    name: 'Kubernetes, fake',
    proxy,
    backend,
    submitStraight: (name) =>
      post(agent, `${proxy.url}/apis/batch/v1/namespaces/ml/jobs`, {
        headers: { authorization: `Bearer ${fake.token}` },
        body: { ...manifest, metadata: { ...manifest.metadata, name } },
      }),
    close: async () => {
      await Promise.all([backend.close(), agent.destroy()]);
      await proxy.close();
      await fake.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function open(type: string, settings: object, folder: string): Promise<Backend> {
  const stateFolder = join(folder, 'state');
  await mkdir(stateFolder);
  return createBackend(type, 'there', settings, {
    now: () => Date.now(),
    random: () => Math.random(),
    stateFolder,
    deliveries: null,
    placeBlob: () => Promise.reject(new Error('there are no blobs here')),
    log: () => undefined,
  });
}

async function post(
  dispatcher: Agent,
  url: string,
  { headers, body }: { readonly headers: Record<string, string>; readonly body: object },
): Promise<void> {
  const response = await request(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    dispatcher,
  });
  const text = await response.body.text();
  if (response.statusCode >= 300) throw new Error(`${url} says ${text.slice(0, 300)}`);
}
