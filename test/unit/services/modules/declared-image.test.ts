import { describe, expect, test } from 'vitest';
import { declaredImage } from '../../../../services/modules/declared-image.ts';

const declared = (href: string) => declaredImage([{ rel: 'docker_image', href }]);

describe('the image that metadata names', () => {
  test.each([
    'deephdc/iris:1.2.0',
    'iris:1.0',
    'registry.example.org:5000/ai/iris:gpu-2026',
    `deephdc/iris@sha256:${'0'.repeat(64)}`,
  ])('is taken when it says which one: %s', (image) => {
    expect(declared(image)).toBe(image);
    expect(declared(` docker://${image} `)).toBe(image);
  });

  test.each([
    'deephdc/iris',
    'deephdc/iris:latest',
    'registry.example.org:5000/iris',
    'https://hub.docker.com/r/deephdc/iris',
    'Deep/Iris:1 --privileged',
    'deephdc/iris@sha256:12',
    '',
  ])('is none when it may be another one tomorrow, or is no image: %j', (image) => {
    expect(declared(image)).toBeNull();
  });

  test('is none when there is only another link', () => {
    expect(declaredImage([{ rel: 'source_code', href: 'a/b:1' }])).toBeNull();
    expect(declaredImage([])).toBeNull();
  });
});
