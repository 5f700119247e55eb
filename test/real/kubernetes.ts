import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createHash } from 'node:crypto';
import { createBackend } from '../../backends/registry.ts';
import type { Backend } from '../../backends/contract/backend.ts';
import type { V1Job } from '../../backends/kubernetes/native.ts';
import type { JobRunner } from '../../backends/contract/job-runner.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import { knownBlobs, localSurroundings } from '../contract/backend/local-surroundings.ts';
import type { BackendUnderTest } from '../contract/backend/under-test.ts';
import { nativeText, submit } from '../contract/backend/under-test.ts';
import {
  requestedBy,
  submitFromAnotherProcess,
} from '../contract/backend/kubernetes-under-test.ts';

/**
 * The cluster of KUBECONFIG, with FATHOM_KUBERNETES_FOLDER (a folder that is the root of a ReadWriteMany claim) and
 * FATHOM_KUBERNETES_CLAIM (its name). Also understood: _NAMESPACE, _IMAGE (with a POSIX shell) and _SPLIT_STREAMS=1.
 */
export async function openRealKubernetes(): Promise<BackendUnderTest> {
  const shared = asked('FATHOM_KUBERNETES_FOLDER');
  const namespace = process.env['FATHOM_KUBERNETES_NAMESPACE'] ?? 'default';
  asked('KUBECONFIG');
  const folder = await mkdtemp(join(shared, 'fathom-test-'));
  const blobs = join(folder, 'blobs');
  await mkdir(blobs);
  const surroundings = localSurroundings(join(folder, 'state'), blobs, []);
  const settings = {
    namespace,
    commandImage: process.env['FATHOM_KUBERNETES_IMAGE'] ?? 'busybox:1.36',
    splitLogStreams: process.env['FATHOM_KUBERNETES_SPLIT_STREAMS'] === '1',
    stopGraceSeconds: 1,
    sharedFolder: { path: shared, persistentVolumeClaim: asked('FATHOM_KUBERNETES_CLAIM') },
  };
  const again = (): Promise<Backend> =>
    createBackend('kubernetes', 'cluster', settings, surroundings);
  const backend = await again();
  const { jobs, services } = backend;
  if (jobs === null || services === null) throw new Error('a facet is missing');
  // Others may use the namespace, also through Fathom: only what was made here is removed.
  const made: Handle[] = [];
  const kept = (handle: Handle): Handle => {
    made.push(handle);
    return handle;
  };
  const kubectl = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('kubectl', ['-n', namespace, ...args])).stdout;
  const ours = ['-l', 'app.kubernetes.io/managed-by=fathom'];
  const keeping: JobRunner = {
    submit: async (workload, options) => kept(await jobs.submit(workload, options)),
    inspect: (handle) => jobs.inspect(handle),
    watch: (handle, signal) => jobs.watch(handle, signal),
    logs: (handle, options) => jobs.logs(handle, options),
    cancel: (handle) => jobs.cancel(handle),
    outputs: (handle) => jobs.outputs(handle),
  };
  return {
    backend,
    jobs: keeping,
    services,
    gpu: null,
    again,
    requested: async (handle) => {
      const found = await kubectl('get', 'job', nativeText(handle, 'name'), '-o', 'json');
      return requestedBy(JSON.parse(found) as V1Job);
    },
    // More than any node has.
    waitingJob: async (workload) => {
      const resources = { ...workload.resources, cpus: 4096 };
      return { handle: await submit(keeping, { ...workload, resources }), over: async () => {} };
    },
    submitElsewhere: async (workload, key) =>
      kept(await submitFromAnotherProcess({ blobs, settings }, workload, key)),
    shell: (script, ...argv) => ({
      kind: 'COMMAND',
      argv: ['/bin/sh', '-c', script, 'sh', ...argv],
      image: null,
    }),
    server: () => ({ kind: 'COMMAND', argv: ['false'], image: null }),
    blob: (content) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      knownBlobs.set(sha256, content);
      return sha256;
    },
    listing: () => kubectl('get', 'jobs,pods,configmaps,events', '-o', 'yaml', ...ours),
    destroy: async () => {
      for (const handle of made) await backend.release(handle);
      await backend.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function asked(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} must be set to test against a cluster.`);
  return value;
}
