import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../../backends/contract/backend.ts';
import { noCapabilities } from '../../../../backends/contract/backend.ts';
import { misfit, sourceFor } from '../../../../services/sites/fit.ts';

const folder = { kind: 'FOLDER', path: '/modules/iris' } as const;
const both = { ...folder, image: 'iris:1.0.0' } as const;
const image = { kind: 'IMAGE', image: 'iris:1.0.0' } as const;

describe('the form of a module that a backend is given', () => {
  test('is the folder where folders run, its image elsewhere, and nothing where neither does', () => {
    const runs = (processes: boolean, images: boolean) =>
      [folder, both, image].map((source) => sourceFor(source, { processes, images }));
    expect(runs(true, true)).toEqual([folder, both, image]);
    expect(runs(true, false)).toEqual([folder, both, null]);
    expect(runs(false, true)).toEqual([null, image, image]);
    expect(runs(false, false)).toEqual([null, null, null]);
  });
});

describe('an image that has DEEPaaS and nothing of ours', () => {
  const stock = { ...image, deepaas: { model: 'iris' } } as const;
  const resources = { gpus: null, nodes: 1 };
  const backend = (more: object) =>
    ({
      jobs: {},
      capabilities: { ...noCapabilities, images: true, ...more },
    }) as unknown as Backend;

  test('is that also as the image of a folder', () => {
    const source = { ...both, deepaas: stock.deepaas };
    expect(sourceFor(source, { processes: false, images: true })).toEqual(stock);
  });

  test('fits where a backend is set up for such images, on one node', () => {
    const why = (source: typeof image | typeof stock, capabilities: object, nodes = 1) =>
      misfit({ kind: 'JOB', source, resources: { ...resources, nodes } }, backend(capabilities))
        ?.why;
    expect(why(image, {})).toBeUndefined();
    expect(why(stock, {})).toMatch('DEEPaaS and nothing of ours');
    expect(why(stock, { deepaasImages: true })).toBeUndefined();
    expect(why(stock, { deepaasImages: true, severalNodes: true }, 2)).toMatch('one node');
    expect(why(image, { severalNodes: true }, 2)).toBeUndefined();
  });

  test('does not matter where its folder runs', () => {
    const source = { ...both, deepaas: stock.deepaas };
    const runs = backend({ processes: true });
    expect(misfit({ kind: 'JOB', source, resources }, runs)).toBeNull();
  });
});
