import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../../../backends/kubernetes/config.ts';
import { nativeName } from '../../../../backends/kubernetes/names.ts';
import { literal } from '../../../../backends/kubernetes/program.ts';
import { translateJob } from '../../../../backends/kubernetes/translate.ts';
import { expand } from '../../../fakes/kubernetes/expansion.ts';
import { invalidity } from '../../../fakes/kubernetes/validation.ts';
import { job } from '../../../contract/backend/under-test.ts';

const program = { kind: 'COMMAND', argv: ['run', '$(HOME)'], image: 'an/image:1' } as const;
const settings = parseSettings({
  gpu: { models: ['NVIDIA-A100-PCIE-40GB'] },
  kueueQueue: 'team',
  sharedFolder: { path: '/srv', persistentVolumeClaim: 'data', claimPath: 'fathom' },
});
const gpus = { count: 2, model: 'nvidia a100-pcie-40gb', memoryMiB: 40_000 };
const workload = job(program, {
  secrets: { TOKEN: 'hidden' },
  resources: { cpus: 1.5, memoryMiB: 2048, gpus, timeLimitSeconds: 60 },
  labels: { run: 'run_1', owner: 'somebody with spaces' },
});
const name = nativeName('run 1');
const { job: manifest, belongings } = translateJob(workload, settings, {
  name,
  key: 'run 1',
  delivery: null,
});
const pod = manifest.spec?.template.spec;

describe('the translation of a job', () => {
  test('asks for what was asked for', () => {
    const amounts = { cpu: '1500m', memory: '2048Mi', 'nvidia.com/gpu': '2' };
    expect(pod?.containers[0]?.resources).toEqual({ requests: amounts, limits: amounts });
    expect(pod?.nodeSelector).toEqual({ 'nvidia.com/gpu.product': 'NVIDIA-A100-PCIE-40GB' });
    expect(JSON.stringify(pod?.affinity)).toContain('39999');
    expect(pod).toMatchObject({ restartPolicy: 'Never', activeDeadlineSeconds: 60 });
    expect(manifest.spec).toMatchObject({ backoffLimit: 0, suspend: true });
    expect(manifest.metadata?.labels).toMatchObject({ 'kueue.x-k8s.io/queue-name': 'team' });
    expect(invalidity('jobs', { ...manifest })).toBeNull();
  });

  test('holds no secret, mounts its own folder only, and labels what may be a label', () => {
    expect(JSON.stringify(manifest)).not.toContain('hidden');
    expect(belongings.secret?.data).toEqual({
      'secret-0': Buffer.from('hidden').toString('base64'),
    });
    expect(pod?.containers[0]?.volumeMounts?.[0]?.subPath).toBe(`fathom/jobs/${name}/work`);
    expect(manifest.metadata?.labels).toMatchObject({ 'run.fathom/run': 'run_1' });
    expect(manifest.metadata?.labels).not.toHaveProperty('run.fathom/owner');
  });

  test('gives every key a name of its own that Kubernetes takes', () => {
    for (const key of ['', 'Ünï', 'x'.repeat(500), '../..', 'a b', 'a-b']) {
      expect(nativeName(key)).toMatch(/^[a-z]([-a-z0-9]{0,50}[a-z0-9])$/);
    }
    expect(nativeName('a b')).not.toBe(nativeName('a-b'));
  });

  test('leaves nothing in a command or variable that the cluster would fill in', () => {
    for (const text of ['$(HOME)', '$$(HOME)', '$$', '$', '$(', 'a$b$$(HOME)$', '$((1+1))']) {
      expect(expand(literal(text), { HOME: 'filled' })).toBe(text);
    }
    expect(pod?.containers[0]?.command).toEqual(['run', '$$(HOME)']);
  });

  test('prints a token of the settings as ***', () => {
    const connection = { kind: 'token', server: 'https://k', token: 'hidden' };
    expect(JSON.stringify(parseSettings({ connection }))).not.toContain('hidden');
    expect(() => parseSettings({ connection: { ...connection, token: '' } })).toThrow('connection');
  });
});
