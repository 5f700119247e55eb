import { describe, expect, test } from 'vitest';
import { parseNodes, parseSacct, parseSqueue } from '../../../../backends/slurm/cli/parse.ts';
import { parseSettings } from '../../../../backends/slurm/config.ts';
import { kindOfWords } from '../../../../backends/slurm/errors.ts';
import { gpuTypes, siteHealth } from '../../../../backends/slurm/health.ts';
import { parseJobs, parseNodes as parseRestNodes } from '../../../../backends/slurm/rest/codec.ts';
import { waitingOf } from '../../../../backends/slurm/reasons.ts';
import { waitingCodes } from '../../../../domain/waiting.ts';

describe('what Slurm says', () => {
  test('lines of squeue as recorded', () => {
    const line = ['17', 'RUNNING', 'None', 'fathom:abc', '1795373615', 'N/A', 'na|me'];
    expect(parseSqueue(`${line.join('\u001f')}\n`)).toEqual([
      {
        id: '17',
        name: 'na|me',
        comment: 'fathom:abc',
        state: 'RUNNING',
        completing: false,
        reason: 'None',
        startedAt: 1_795_373_615_000,
        endedAt: null,
        exit: null,
      },
    ]);
    expect(parseSqueue('\n')).toEqual([]);
  });

  test('lines of sacct, who cancelled it included', () => {
    const line = (...fields: readonly string[]): string => `${fields.join('\u001f')}\n`;
    const text =
      line('7', 'CANCELLED by 1001', '0:0', '1795373615', '1795373620', 'fathom:abc', 'a|b') +
      line('8', 'OUT_OF_MEMORY', '0:125', 'Unknown', 'None', '', 'c') +
      line('9', 'FAILED', '3:0', '1795373615', '1795373620', '', 'd');
    expect(parseSacct(text)).toMatchObject([
      { id: '7', state: 'CANCELLED', reason: 'by 1001', name: 'a|b', endedAt: 1_795_373_620_000 },
      { id: '8', state: 'OUT_OF_MEMORY', startedAt: null, exit: { code: null, signal: 125 } },
      { id: '9', comment: '', exit: { code: 3, signal: null } },
    ]);
    expect(parseSacct(text)[0]?.comment).toBe('fathom:abc');
  });

  test('jobs of both generations of slurmrestd are the same jobs', () => {
    const common = { job_id: 17, name: 'n', comment: 'fathom:abc', state_reason: 'None' };
    const old = { ...common, job_state: 'RUNNING', start_time: 1_795_360_668, end_time: 0 };
    const time = (number: number) => ({ set: number > 0, infinite: false, number });
    const recent = {
      ...common,
      job_state: ['RUNNING'],
      start_time: time(1_795_360_668),
      end_time: time(0),
    };
    expect(parseJobs({ jobs: [old] })).toEqual(parseJobs({ jobs: [recent] }));
    expect(
      parseJobs({ jobs: [{ ...recent, job_state: ['CANCELLED', 'COMPLETING'] }] }),
    ).toMatchObject([{ state: 'CANCELLED', completing: true }]);
    expect(
      parseJobs({ jobs: [{ ...recent, job_state: ['RUNNING', 'CONFIGURING'] }] }),
    ).toMatchObject([{ state: 'CONFIGURING', completing: false }]);
    expect(parseJobs({ jobs: [{ ...recent, job_state: ['COMPLETING'] }] })).toMatchObject([
      { state: 'COMPLETING', completing: true },
    ]);
    const accounted = { ...common, state: { current: ['FAILED'] }, time: { start: 5, end: 6 } };
    expect(parseJobs({ jobs: [accounted] })).toMatchObject([{ state: 'FAILED', endedAt: 6000 }]);
  });

  test('whatever a server answers is no crash', () => {
    for (const body of [
      null,
      1,
      'x',
      [],
      {},
      { jobs: 1 },
      { jobs: [null, 1, {}, { job_id: {} }] },
    ]) {
      expect(parseJobs(body)).toEqual([]);
      expect(parseRestNodes(body)).toEqual([]);
    }
    expect(parseNodes('garbage\n=\nNodeName=')).toMatchObject([{ name: '', cpus: 0 }]);
  });

  test('nodes are counted where our jobs may run and only while they can', () => {
    const nodes = parseNodes(
      [
        'NodeName=n1 CPUAlloc=3 CPUTot=8 Gres=gpu:a100:2(S:0-1) GresUsed=gpu:a100:1(IDX:0) RealMemory=8000 AllocMem=100 State=MIXED Partitions=gpu,long',
        'NodeName=n2 CPUAlloc=0 CPUTot=8 Gres=(null) GresUsed= RealMemory=8000 AllocMem=0 State=IDLE+DRAIN Partitions=gpu',
        'NodeName=n3 CPUAlloc=0 CPUTot=8 Gres=gpu:2 GresUsed=gpu:0 RealMemory=8000 AllocMem=0 State=IDLE Partitions=other',
        'NodeName=n4 CPUAlloc=0 CPUTot=8 Gres=gpu:2 RealMemory=8000 AllocMem=0 State=DOWN* Partitions=gpu',
      ].join('\n'),
    );
    const gpus = [{ gres: 'a100', model: 'NVIDIA A100', memoryMiB: 40_000 }];
    const settings = parseSettings({
      transport: { kind: 'cli' },
      sharedFolder: '/s',
      partition: 'gpu',
      gpus,
    });
    const health = siteHealth({ description: 'Slurm 22', nodes, queued: 4 }, settings, 1);
    expect(health.message).toBe('Slurm 22: 1 of 3 nodes usable, 2 GPUs, 4 jobs waiting.');
    expect(health.capacity).toMatchObject({
      cpus: 8,
      cpusInUse: 3,
      memoryMiB: 8000,
      memoryInUseMiB: 100,
      gpusInUse: 1,
      queued: 4,
      gpus: [
        { index: 0, model: 'NVIDIA A100', memoryMiB: 40_000 },
        { index: 1, model: 'NVIDIA A100' },
      ],
    });
  });

  test('GPUs are counted in whatever form gres has', () => {
    expect(gpuTypes('gpu:a100:4(S:0-1),gpu:2,shard:8')).toEqual([
      ...['a100', 'a100', 'a100', 'a100'],
      ...[null, null],
    ]);
    expect(gpuTypes('gpu:tesla:0(IDX:N/A)')).toEqual([]);
    expect(gpuTypes('gpu')).toEqual([null]);
    expect(gpuTypes('')).toEqual([]);
  });
});

describe('what it means', () => {
  test('every reason has a code, and one that is not known is told verbatim', () => {
    for (const [reason, code] of [
      ['None', 'DISPATCHING'],
      ['Priority', 'PRIORITY'],
      ['Resources', 'RESOURCES_BUSY'],
      ['ReqNodeNotAvail, UnavailableNodes:n[1-4]', 'NODE_UNAVAILABLE'],
      ['Nodes required for job are DOWN, DRAINED or reserved', 'NODE_UNAVAILABLE'],
      ['QOSMaxGRESPerUser', 'QUOTA'],
      ['AssocGrpCPUMinutesLimit', 'QUOTA'],
      ['MaxMemPerLimit', 'QUOTA'],
      ['JobArrayTaskLimit', 'SWEEP_LIMIT'],
      ['PartitionTimeLimit', 'RESOURCES_EXCEED_SITE'],
      ['Dependency', 'DEPENDENCY'],
      ['JobHeldAdmin', 'HELD'],
      ['BeginTime', 'BACKING_OFF'],
      ['constructor', 'UNKNOWN'],
      ['FullMoon', 'UNKNOWN'],
    ] as const) {
      const waiting = waitingOf(reason);
      expect({ reason, code: waiting.code }).toEqual({ reason, code });
      expect(Object.keys(waitingCodes)).toContain(waiting.code);
      expect(waiting.raw).toBe(reason);
    }
  });

  test.for([
    [
      'sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified',
      'Rejected',
    ],
    ['squeue: error: Socket timed out on send/recv operation', 'Unavailable'],
    ['slurm_load_jobs error: Unable to contact slurm controller (connect failure)', 'Unavailable'],
    ['alice@login: Permission denied (publickey,password).', 'Unauthorized'],
    ['ssh: connect to host login port 22: Connection refused', 'Unavailable'],
    ['scancel: error: Kill job error on job id 7: Access/permission denied', 'Unauthorized'],
    [
      'Job violates accounting/QOS policy (job submit limit, user’s size and/or time limits)',
      'NoCapacity',
    ],
    ['Requested node configuration is not available', 'Rejected'],
    ['something new', null],
  ] as const)('%s', ([said, kind]) => {
    expect(kindOfWords(said)).toBe(kind);
  });
});
