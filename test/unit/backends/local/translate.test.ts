import { describe, expect, test } from 'vitest';
import type { JobWorkload, Program } from '../../../../backends/contract/workload.ts';
import { parseSettings } from '../../../../backends/local/config.ts';
import {
  isNativeName,
  nativeName,
  supervisionPolicy,
  translateJob,
  translateService,
} from '../../../../backends/local/translate.ts';

const settings = parseSettings({ runtime: ['/bin/node', 'runtime/main.ts'] });

function workload(program: Program): JobWorkload {
  return {
    title: 't',
    program,
    environment: { A: 'a b' },
    secrets: { B: 'hidden', A2: 'hidden' },
    inputs: [],
    resources: { cpus: 1, memoryMiB: 64, gpus: null, timeLimitSeconds: 1 },
    labels: {},
  };
}

function module(operation: 'train' | 'serve'): Program {
  return {
    kind: 'MODULE',
    module: { slug: 'm', source: { kind: 'FOLDER', path: '/modules/a b' } },
    operation,
  };
}

describe('translation', () => {
  test('of a training runs the runtime in the work folder, and names secrets only', () => {
    const launch = translateJob(workload(module('train')), settings, '/w');
    expect(launch).toEqual({
      argv: ['/bin/node', 'runtime/main.ts', 'train', '--module', '/modules/a b', '--work', '/w'],
      folder: '/w',
      environment: { A: 'a b', FATHOM_WORK_FOLDER: '/w' },
      secretNames: ['A2', 'B'],
    });
    expect(JSON.stringify(launch)).not.toContain('hidden');
  });

  test('of a service listens on loopback at a free port, with its artifact if there is one', () => {
    const serve = workload(module('serve'));
    const argv = (artifactFolder: string | null): readonly string[] =>
      translateService({ ...serve, replicas: 1, artifactFolder }, settings, '/w').argv.slice(4);
    const address = ['/modules/a b', '--host', '127.0.0.1', '--port', '0'].slice(1);
    expect(argv(null)).toEqual(['/modules/a b', ...address]);
    expect(argv('artifact')).toEqual(['/modules/a b', ...address, '--artifact', '/w/artifact']);
  });

  test('without a runtime a module is Unsupported', () => {
    const bare = parseSettings({});
    expect(() => translateJob(workload(module('train')), bare, '/w')).toThrow(/runtime/);
  });

  test('names are deterministic, tell keys apart, and stay plain', () => {
    const keys = ['a', 'A', 'run_01J/1', '../../etc', '', 'ü'.repeat(300), 'x\ny', '-', 'a'];
    const names = keys.map(nativeName);
    expect(names.at(-1)).toBe(names[0]);
    expect(new Set(names).size).toBe(keys.length - 1);
    for (const name of names) {
      expect(name).toMatch(/^[a-z0-9-]{1,80}$/);
      expect(isNativeName(name)).toBe(true);
    }
    for (const other of ['../x', 'a/b', '', 'A', 3, null, 'a'.repeat(81)]) {
      expect(isNativeName(other)).toBe(false);
    }
  });
});

describe('settings', () => {
  test('an empty object is a whole configuration', () => {
    expect(parseSettings({})).toMatchObject({ cpus: 'detect', gpus: 'detect', logLimitMiB: 256 });
    expect(parseSettings(undefined)).toEqual(parseSettings({}));
    expect(supervisionPolicy(parseSettings({ stopGraceSeconds: 2 })).stopGraceMs).toBe(2000);
  });

  test('what is wrong is named in a sentence', () => {
    expect(() => parseSettings({ cpus: -1, colour: 'red' })).toThrow(/cpus.*colour/s);
    expect(() => parseSettings('x')).toThrow(/settings of a local backend are wrong/);
  });
});
