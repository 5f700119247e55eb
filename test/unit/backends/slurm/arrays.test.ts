import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { taskNumbers } from '../../../../backends/slurm/array-folders.ts';
import { sbatchArguments } from '../../../../backends/slurm/cli/sbatch.ts';
import { jobsWithIds } from '../../../../backends/slurm/elements.ts';
import type { BatchRequest } from '../../../../backends/slurm/native.ts';
import { parseJobs, submitBody } from '../../../../backends/slurm/rest/codec.ts';
import { arrayScript } from '../../../../backends/slurm/translate.ts';

describe('arrays of slurm', () => {
  test('numbers of elements are told in ranges, with how many may run at once', () => {
    expect(taskNumbers([0, 1, 2, 5, 7, 8], null)).toBe('0-2,5,7-8');
    expect(taskNumbers([0], 3)).toBe('0%3');
    expect(taskNumbers([3, 4], 1)).toBe('3-4%1');
  });

  test('both transports are told the elements, and which array comes first', () => {
    const array = { tasks: '0-4,7%2', after: '17' };
    const request = { ...one, array };
    expect(sbatchArguments(request)).toContain('--array=0-4,7%2');
    expect(sbatchArguments(request)).toContain('--dependency=afterany:17');
    const asked = { array: '0-4,7%2', dependency: 'afterany:17' };
    expect(submitBody(request, 'v0.0.38')).toMatchObject({ job: asked });
    expect(submitBody(request, 'v0.0.42')).toMatchObject({ job: asked });
    const first = { ...one, array: { ...array, after: null } };
    for (const text of [
      sbatchArguments(first).join(' '),
      JSON.stringify(submitBody(first, 'v0.0.38')),
      sbatchArguments(one).join(' '),
    ]) {
      expect(text).not.toContain('dependency');
    }
    expect(JSON.stringify(submitBody(one, 'v0.0.42'))).not.toContain('"array"');
  });

  test('elements are known by their array and number, as slurmrestd of both generations tells them', () => {
    const old = [
      element({ job_id: 1, array_job_id: 1, array_task_id: null, array_task_string: '2,4-8%2' }),
      element({ job_id: 3, array_job_id: 1, array_task_id: 1, array_task_string: '' }),
      element({ job_id: 9, array_job_id: 0, array_task_id: null, array_task_string: '' }),
    ];
    const number = (value: number | null) => ({
      set: value !== null,
      infinite: false,
      number: value ?? 0,
    });
    const recent = old.map((job) => ({
      ...job,
      array_job_id: number(job.array_job_id),
      array_task_id: number(job.array_task_id),
    }));
    for (const jobs of [old, recent]) {
      const parsed = parseJobs({ jobs });
      expect(parsed.map(({ id }) => id)).toEqual(['1_[2,4-8%2]', '1_1', '9']);
      const wanted = ['1_1', '1_2', '1_3', '1_5', '1_9', '9', '2_1'];
      expect([...jobsWithIds(parsed, wanted).keys()]).toEqual(['1_1', '1_2', '1_5', '9']);
    }
    const accounted = { ...element({ job_id: 4 }), array: { job_id: 1, task_id: 7, task: '' } };
    expect(parseJobs({ jobs: [accounted] })).toMatchObject([{ id: '1_7' }]);
  });

  test('a list that was cut may hold what is behind its end, and only that', () => {
    const id = '1_[2,4-6,8-12:2...%2]';
    const job = { ...parsedJob, id };
    const wanted = [1, 2, 3, 5, 8, 9, 10, 12, 13, 400].map((number) => `1_${number}`);
    const found = [...jobsWithIds([job], wanted).keys()];
    expect(found).toEqual(['1_2', '1_5', '1_8', '1_10', '1_12', '1_13', '1_400']);
    const whole = { ...parsedJob, id: '1_[2-8:2]' };
    expect([...jobsWithIds([whole], ['1_2', '1_3', '1_8', '1_10']).keys()]).toEqual(['1_2', '1_8']);
    expect(jobsWithIds([{ ...parsedJob, id: '1_[]' }], ['1_0']).size).toBe(0);
  });

  test('what was split off is told by itself, whatever the rest says', () => {
    const rest = { ...parsedJob, id: '1_[4...]' };
    const own = { ...parsedJob, id: '1_9', state: 'RUNNING' };
    expect(jobsWithIds([rest, own], ['1_9']).get('1_9')?.state).toBe('RUNNING');
    expect(jobsWithIds([rest, own], ['1_8']).get('1_8')).toMatchObject({ id: '1_8' });
  });

  test('an element goes where its line says, and without a line, or a number, nowhere', () => {
    const root = mkdtempSync(join(tmpdir(), "fathom it's "));
    try {
      const folder = join(root, 'arrays/sweep');
      for (const path of [folder, join(root, 'jobs/one'), join(root, 'bin')]) {
        mkdirSync(path, { recursive: true });
      }
      writeFileSync(join(folder, 'members'), '\none 1234-5678\n');
      writeFileSync(join(root, 'bin/perl'), '#!/bin/sh\npwd; echo "$@"\n', { mode: 0o755 });
      const run = (number: string | null): string => {
        const PATH = `${root}/bin:${process.env['PATH']}`;
        const env = { PATH, ...(number === null ? {} : { SLURM_ARRAY_TASK_ID: number }) };
        try {
          return execFileSync('/bin/sh', ['-c', arrayScript(folder)], { env, encoding: 'utf8' });
        } catch (error) {
          return `code ${String((error as { status?: number }).status)}`;
        }
      };
      expect(run('1')).toBe(`${root}/jobs/one\n./supervise.pl 1234-5678\n`);
      for (const number of ['0', '2', null, '']) expect(run(number)).toBe('code 74');
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

const one: BatchRequest = {
  name: 'n',
  comment: 'fathom:m',
  script: '#!/bin/sh\n',
  folder: '/shared/arrays/n',
  output: '/shared/arrays/n/%a.out',
  partition: null,
  qos: null,
  account: null,
  constraint: null,
  reservation: null,
  nodes: 1,
  cpus: 1,
  memoryMiB: 100,
  timeLimitMinutes: 2,
  gpus: null,
};

const parsedJob = {
  id: '',
  name: 'n',
  comment: '',
  state: 'PENDING',
  completing: false,
  reason: 'JobArrayTaskLimit',
  startedAt: null,
  endedAt: null,
  exit: null,
};

interface ArrayFields {
  readonly job_id: number;
  readonly array_job_id: number;
  readonly array_task_id: number | null;
  readonly array_task_string: string;
}

function element(fields: Partial<ArrayFields>): ArrayFields & object {
  const none = { job_id: 0, array_job_id: 0, array_task_id: null, array_task_string: '' };
  const common = { name: 'n', comment: '', job_state: 'PENDING', state_reason: 'None' };
  return { ...common, ...none, ...fields };
}
