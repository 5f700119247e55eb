import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../domain/json.ts';
import {
  metadataFiles,
  readMetadata,
  type ReadMetadata,
} from '../../../../services/modules/metadata/read-metadata.ts';

const [yml, , json, v1] = metadataFiles;

function readV2(text: string): ReadMetadata {
  if (yml === undefined) throw new Error('no YAML format');
  return readMetadata(yml, text, 'plankton');
}

function readJson(metadata: Json, old = false): ReadMetadata {
  const file = old ? v1 : json;
  if (file === undefined) throw new Error('no JSON format');
  return readMetadata(file, JSON.stringify(metadata), 'plankton');
}

function found({ findings }: ReadMetadata): readonly string[] {
  return findings.map((one) => `${one.severity} ${one.pointer} ${one.message}`);
}

const plankton = `
metadata_version: 2.3.0
title: Plankton classifier
summary: Tells plankton apart.
description: |-
  A **convolutional** network.

  It sees images.
dates: { created: '2023-08-10', updated: 2024-08-22 }
links:
  ai4_template: ai4-template/2.1.4
  source_code: https://example.org/plankton
  citation: https://doi.org/10.1000/182
tags: [deep learning, vo.imagine-ai.eu]
tasks: [Computer Vision, Classification]
categories: [AI4 pre trained, AI4 trainable, AI4 inference]
libraries: [TensorFlow, Keras]
data-type: [Image]
resources:
  inference: { cpu: 1, memory_MB: 1000, storage_MB: 1000 }
  training: { cpu: 8, gpu: 1, memory_MB: 16000, gpu_memory_MB: 8000, gpu_compute_capability: 7.5 }
provenance: { nomad_job: 3f }
`;

const whole = {
  metadata_version: '2.3.0',
  title: 'T',
  summary: 'S',
  description: 'D',
  links: { source_code: 'https://example.org/t' },
  libraries: [],
  tasks: [],
  categories: [],
  tags: [],
} satisfies JsonObject;

describe('AI4OS metadata', () => {
  it('that keeps the rules has no finding, and its unknown keys are kept', () => {
    const read = readV2(plankton);
    expect(read.findings).toEqual([]);
    expect(read.metadata['provenance']).toEqual({ nomad_job: '3f' });
    expect(read.listing).toEqual({
      title: 'Plankton classifier',
      summary: 'Tells plankton apart.',
      description: 'A **convolutional** network.\n\nIt sees images.',
      licence: null,
      tags: ['deep learning', 'vo.imagine-ai.eu'],
      tasks: ['Computer Vision', 'Classification'],
      categories: ['AI4 pre trained', 'AI4 trainable', 'AI4 inference'],
      libraries: ['TensorFlow', 'Keras'],
      dataTypes: ['Image'],
      links: [
        { rel: 'ai4_template', href: 'ai4-template/2.1.4' },
        { rel: 'source_code', href: 'https://example.org/plankton' },
        { rel: 'citation', href: 'https://doi.org/10.1000/182' },
      ],
      doi: null,
      metadataVersion: '2.3.0',
    });
  });

  it('recommends resources, with the defaults where it says nothing', () => {
    const { resources } = readV2(plankton);
    expect(resources.inference).toEqual({
      cpus: 1,
      memoryMiB: 1000,
      gpus: null,
      timeLimitSeconds: 3600,
    });
    expect(resources.training).toEqual({
      cpus: 8,
      memoryMiB: 16000,
      gpus: { count: 1, model: null, memoryMiB: 8000 },
      timeLimitSeconds: 3600,
    });
    expect(readJson(whole).resources.training.memoryMiB).toBe(2048);
  });

  it('may have empty lists', () => {
    expect(found(readJson(whole))).toEqual([]);
  });

  it.each<[string, Json, readonly string[]]>([
    ['a missing title', without('title'), ['ERROR  title is missing.']],
    ['no links', without('links'), ['ERROR  links is missing.']],
    ['no source code', { ...whole, links: {} }, ['ERROR /links links.source_code is missing.']],
    [
      'a word that no list has',
      { ...whole, tasks: ['Classification', 'Guessing'] },
      [
        expect.stringMatching(
          /^ERROR \/tasks\/1 tasks\.1 must be one of .*; you gave "Guessing"\.$/,
        ) as string,
      ],
    ],
    [
      'a text for a list',
      { ...whole, tags: 'one' },
      ['ERROR /tags tags must be a list; you gave "one".'],
    ],
    [
      'a value twice',
      { ...whole, tags: ['a', 'a'] },
      ['ERROR /tags tags must not have the same item twice.'],
    ],
    [
      'a key of the older format',
      { ...whole, keywords: [] },
      ['ERROR /keywords keywords belongs to the older format and is not allowed here; use tags.'],
    ],
    [
      'a version nobody knows',
      { ...whole, metadata_version: '9.0.0' },
      [
        'ERROR /metadata_version Version "9.0.0" is not known (2.0.0, 2.1.0, 2.2.0, 2.3.0); the file was checked as 2.3.0.',
      ],
    ],
    [
      'a version that is a number',
      { ...whole, metadata_version: 2.1 },
      ['ERROR /metadata_version metadata_version must be a text; you gave 2.1.'],
    ],
    [
      'a negative amount',
      { ...whole, resources: { inference: { cpu: -1 } } },
      ['ERROR /resources/inference/cpu resources.inference.cpu must be at least 0; you gave -1.'],
    ],
    [
      'dates that are half there',
      { ...whole, dates: { created: '2024-01-01' } },
      ['ERROR /dates dates.updated is missing.'],
    ],
    [
      'an image name for an address',
      { ...whole, links: { source_code: 'https://example.org', docker_image: 'ai4oshub/x' } },
      [
        'WARNING /links/docker_image links.docker_image must be an address that begins with a scheme, as https://; you gave "ai4oshub/x".',
      ],
    ],
    [
      'a day that does not exist',
      { ...whole, dates: { created: '2023-02-29', updated: '2024-02-29' } },
      [
        'WARNING /dates/created dates.created must be a date, as 2026-01-31; you gave "2023-02-29".',
      ],
    ],
    [
      'an address for a DOI',
      { ...whole, doi: 'https://doi.org/10.5281/zenodo.1' },
      [
        'WARNING /doi doi must be a DOI, as 10.5281/zenodo.1234; you gave "https://doi.org/10.5281/zenodo.1".',
      ],
    ],
    [
      'keys newer than its version',
      { ...whole, metadata_version: '2.0.0', resources: { training: { cpu: 1 } } },
      [
        'WARNING /resources/training resources.training is known from version 2.3.0 on; the file declares 2.0.0.',
      ],
    ],
    [
      'a misspelt resource',
      { ...whole, resources: { inference: { memory: '16GB' } } },
      [
        expect.stringMatching(
          /^WARNING \/resources\/inference\/memory memory is not a resource/,
        ) as string,
      ],
    ],
  ])('with %s is told so', (_, metadata, expected) => {
    expect(found(readJson(metadata))).toEqual(expected);
  });

  it('of wrong types throughout is listed all the same', () => {
    const read = readJson({
      title: 7,
      tags: [1, null, ['x']],
      links: 'none',
      categories: {},
      resources: [],
    });
    expect(read.listing).toMatchObject({ title: '7', tags: ['1'], links: [], categories: [] });
    expect(read.findings.some((finding) => finding.severity === 'ERROR')).toBe(true);
  });
});

function without(key: keyof typeof whole): JsonObject {
  return Object.fromEntries(Object.entries(whole).filter(([name]) => name !== key));
}

describe('a metadata file that cannot be read', () => {
  it.each([
    ['broken YAML', 'title: [1,'],
    ['a key given twice', 'title: a\ntitle: b'],
    ['a list', '- a\n- b'],
    ['nothing at all', ''],
    ['two documents', 'title: a\n---\ntitle: b'],
    ['binary', '\u0000\u0001\u0002'],
    ['more levels than anybody needs', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['a thing that contains itself', 'a: &a [*a]'],
    ['more than 256 KiB', `title: ${'x'.repeat(256 * 1024)}`],
  ])('as %s is an entry named by its slug with the reason as its finding', (_, text) => {
    const read = readV2(text);
    expect(read.listing.title).toBe('plankton');
    expect(read.metadata).toEqual({});
    expect(read.findings).toHaveLength(1);
    expect(read.findings[0]).toMatchObject({ severity: 'ERROR', pointer: '' });
  });

  it('does not swell into memory by aliases of aliases', () => {
    const lines = Array.from(
      { length: 12 },
      (_, n) =>
        `k${n}: &k${n} [${n === 0 ? '1' : Array.from({ length: 9 }, () => `*k${n - 1}`).join(', ')}]`,
    );
    expect(found(readV2(lines.join('\n')))).toEqual([
      expect.stringMatching(/^ERROR {2}The file is not YAML: Excessive alias count/),
    ]);
  });

  it('runs nothing that a tag asks for', () => {
    const read = readV2('title: !!js/function "() => 1"\nsummary: !!python/object:os.system "id"');
    expect(read.listing.title).toBe('() => 1');
    expect(found(read)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^ERROR {2}Unresolved tag: tag:yaml\.org,2002:js\/function/),
      ]),
    );
  });

  it('keeps what JSON can say', () => {
    const read = readV2('title: T\nscore: .nan\n');
    expect(read.metadata).toEqual({ title: 'T', score: null });
    expect(found(read)).toContain(
      'ERROR /score The value cannot be said in JSON; it was read as null.',
    );
  });
});

describe('DEEP metadata', () => {
  const mods = {
    title: 'Data streams',
    summary: 'Finds anomalies.',
    description: ['First line.', '', 'Second paragraph.'],
    keywords: [
      'services',
      'docker',
      'api-v2',
      'trainable',
      'inference',
      'pre-trained',
      'keras',
      'tensorflow',
    ],
    license: 'Apache 2.0',
    date_creation: '2019-02-19',
    sources: {
      dockerfile_repo: 'https://example.org/DEEP-OC-mods',
      docker_registry_repo: 'deephdc/deep-oc-mods',
      code: 'https://example.org/mods',
    },
    dataset_url: 'https://example.org/data',
    continuous_integration: { build_status_badge: 'https://example.org/badge' },
    tosca: [
      { title: 'Mesos', url: 'https://example.org/t.yml', inputs: ['rclone_conf', 'rclone_pass'] },
    ],
  } satisfies JsonObject;

  it('is listed in the terms of the newer format', () => {
    const read = readJson(mods, true);
    expect(read.findings).toEqual([]);
    expect(read.format).toBe('DEEP_V1');
    expect(read.listing).toEqual({
      title: 'Data streams',
      summary: 'Finds anomalies.',
      description: 'First line.\n\nSecond paragraph.',
      licence: 'Apache 2.0',
      tags: ['services', 'docker', 'api-v2', 'keras', 'tensorflow'],
      tasks: [],
      categories: ['AI4 pre trained', 'AI4 trainable', 'AI4 inference'],
      libraries: ['TensorFlow', 'Keras'],
      dataTypes: [],
      links: [
        { rel: 'source_code', href: 'https://example.org/mods' },
        { rel: 'docker_image', href: 'deephdc/deep-oc-mods' },
        { rel: 'dockerfile_repo', href: 'https://example.org/DEEP-OC-mods' },
        { rel: 'dataset', href: 'https://example.org/data' },
      ],
      doi: null,
      metadataVersion: null,
    });
  });

  it('with mistakes says which', () => {
    const { license: _, ...rest } = mods;
    const broken = {
      ...rest,
      description: 'one text',
      tosca: [{ title: 'x', url: 'u', inputs: ['rclone_password'] }],
    };
    expect(found(readJson(broken, true))).toEqual([
      'ERROR  license is missing.',
      'ERROR /description description must be a list; you gave "one text".',
      'ERROR /tosca/0/inputs/0 tosca.0.inputs.0 must be one of "rclone_conf", "rclone_url", "rclone_vendor", "rclone_user", "rclone_pass"; you gave "rclone_password".',
      'WARNING /tosca/0/url tosca.0.url must be an address that begins with a scheme, as https://; you gave "u".',
    ]);
  });
});
