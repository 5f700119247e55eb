import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../../../backends/kubernetes/config.ts';
import { planOf } from '../../../../backends/kubernetes/plan.ts';
import { translateJob, translateService } from '../../../../backends/kubernetes/translate.ts';
import { job, service } from '../../../contract/backend/under-test.ts';

const program = { kind: 'COMMAND', argv: ['run', '$(HOME)'], image: 'an/image:1' } as const;
const naming = {
  name: 'fathom-run',
  key: 'run',
  delivery: { url: 'https://fathom/deliveries/1', token: 'hidden-token' },
} as const;
const beside = parseSettings({ launcher: { image: 'the/launcher:1' }, stopGraceSeconds: 5 });
const around = parseSettings({ launcher: { path: '/launcher.mjs' }, returnGraceSeconds: 30 });
const workload = job(program, {
  inputs: [
    { path: 'data', content: { kind: 'BLOB', sha256: 'a'.repeat(64), bytes: 1, url: null } },
  ],
});

describe('files by a launcher beside the program', () => {
  const { job: manifest, belongings } = translateJob(workload, beside, naming);
  const pod = manifest.spec?.template.spec;
  const [fetch, returning] = pod?.initContainers ?? [];

  test('are brought before it starts, and returned by a sidecar that listens when it starts', () => {
    expect(fetch).toMatchObject({ name: 'fetch', image: 'the/launcher:1', args: ['fetch'] });
    expect(fetch).not.toHaveProperty('restartPolicy');
    expect(returning).toMatchObject({ name: 'return', args: ['return'], restartPolicy: 'Always' });
    expect(returning?.lifecycle?.postStart?.exec?.command?.at(-1)).toBe(
      `${pod?.containers[0]?.workingDir}/.fathom/return.json`,
    );
    expect(pod?.terminationGracePeriodSeconds).toBe(305);
    expect(belongings.configMap).toBeNull();
  });

  test('give the program neither address nor token, and the token stands in the Secret alone', () => {
    expect(JSON.stringify(pod?.containers)).not.toContain('FATHOM_DELIVERY');
    expect(JSON.stringify(manifest)).not.toContain('hidden-token');
    expect(Object.values(belongings.secret?.data ?? {})).toEqual([
      Buffer.from('hidden-token').toString('base64'),
    ]);
  });

  test('are only brought to servers, which leave nothing', () => {
    const { deployment } = translateService(service(program), beside, naming);
    const names = deployment.spec?.template.spec?.initContainers?.map(({ name }) => name);
    expect(names).toEqual(['fetch']);
  });

  test('are planned without an address', () => {
    const text = JSON.stringify(planOf({ kind: 'JOB', workload }, 'run', beside));
    expect(text).toContain('FATHOM_DELIVERY_URL');
    expect(text).toContain('***');
  });
});

describe('files by a launcher around the program', () => {
  const { job: manifest } = translateJob(workload, around, naming);
  const pod = manifest.spec?.template.spec;

  test('have one container, whose launcher keeps the time and has more for what comes after', () => {
    expect(pod?.initContainers).toBeUndefined();
    const command = pod?.containers[0]?.command ?? [];
    expect(command.slice(0, 3)).toEqual(['node', '/launcher.mjs', 'run']);
    expect(command.slice(command.indexOf('--') + 1)).toEqual(['run', '$$(HOME)']);
    expect(command[command.indexOf('--time-limit') + 1]).toBe('60');
    expect(pod?.activeDeadlineSeconds).toBe(60 + 10 + 30);
  });

  test('are fetched by the image of the servers themselves', () => {
    const { deployment } = translateService(service(program), around, naming);
    const spec = deployment.spec?.template.spec;
    expect(spec?.initContainers?.[0]).toMatchObject({
      image: 'an/image:1',
      command: ['node', '/launcher.mjs'],
      args: ['fetch'],
    });
    expect(spec?.containers[0]?.command).toEqual(['run', '$$(HOME)']);
  });
});

describe('the settings', () => {
  test('take a shared folder or a launcher, not both', () => {
    const sharedFolder = { path: '/srv', persistentVolumeClaim: 'data' };
    expect(() => parseSettings({ sharedFolder, launcher: { path: '/l.mjs' } })).toThrow('launcher');
  });

  test('refuse several nodes where files come by one launcher', () => {
    const resources = { ...workload.resources, nodes: 2 };
    expect(() => translateJob({ ...workload, resources }, beside, naming)).toThrow('one node');
  });
});
