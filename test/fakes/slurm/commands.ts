// sbatch, squeue, sacct, scancel and scontrol over a FakeCluster: `node commands.ts NAME ARGUMENT…`, with the cluster's
// folder in FAKE_SLURM. What they print and how they fail is as recorded from Slurm 22.05.
import { readFileSync } from 'node:fs';
import type { FakeJob } from './cluster.ts';
import { FakeCluster } from './cluster.ts';

const [command = '', ...argv] = process.argv.slice(2);
const cluster = new FakeCluster(process.env['FAKE_SLURM'] ?? '');

const fault = cluster.takeFault(command);
if (fault === 'hang') await new Promise((resolve) => setTimeout(resolve, 60_000));
if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, 400));
const words: Readonly<Record<string, string>> = {
  down: 'Unable to contact slurm controller (connect failure)',
  'no-database': 'Problem talking to the database: Connection refused',
  denied: 'Access/permission denied',
  'rate-limited': 'Too many requests, RPC rate limited',
  'no-partition': 'Batch job submission failed: Invalid partition name specified',
  'no-such-node': 'Batch job submission failed: Requested node configuration is not available',
  'no-array': 'Batch job submission failed: Invalid job array specification',
  limit: 'Batch job submission failed: Job violates accounting/QOS policy (job submit limit)',
};
const said = fault === null ? undefined : words[fault];
if (said !== undefined) fail(`${command}: error: ${said}`);

switch (command) {
  case 'sbatch':
    sbatch();
    break;
  case 'squeue':
    squeue();
    break;
  case 'sacct':
    sacct();
    break;
  case 'scancel':
    cluster.cancel(argv[0] ?? '');
    break;
  case 'scontrol':
    scontrol();
    break;
  default:
    fail(`${command}: there is no such command`);
}

function sbatch(): void {
  if (argv.includes('--version')) {
    console.log('slurm 22.05.8');
    return;
  }
  const script = readFileSync(0, 'utf8');
  if (!script.startsWith('#!')) {
    fail('sbatch: error: This does not look like a batch script.');
  }
  const id = cluster.submit({
    script,
    name: option('job-name'),
    comment: option('comment'),
    folder: option('chdir'),
    output: option('output'),
    user: 'alice',
    array: option('array'),
    dependency: option('dependency'),
    asked: argv,
  });
  if (fault === 'reply-lost') {
    fail('sbatch: error: Batch job submission failed: Socket timed out on send/recv operation');
  }
  console.log(id);
}

function squeue(): void {
  if (!argv.includes('--array'))
    fail('squeue: this fake prints elements of arrays one by one only');
  const keys = option('jobs').split(',').filter(Boolean);
  const name = option('name');
  const isPendingOnly = option('states') === 'PENDING';
  const all = cluster.list();
  const jobs = all
    .filter((job) => keys.length === 0 || keys.some((key) => isMeant(key, job)))
    .filter((job) => name === '' || job.name === name)
    .filter((job) => !isPendingOnly || job.state === 'PENDING');
  // Of several jobs the unknown are passed over; a question about one alone fails, unless its array is known.
  const [base] = (keys[0] ?? '').split('_');
  if (keys.length === 1 && jobs.length === 0 && !all.some((job) => isMeant(base ?? '', job))) {
    fail('slurm_load_jobs error: Invalid job id specified');
  }
  for (const job of jobs) console.log(formatted(option('format'), job));
}

function isMeant(key: string, job: FakeJob): boolean {
  return key === job.key || key === String(job.arrayId ?? '');
}

function formatted(format: string, job: FakeJob): string {
  const values: Readonly<Record<string, string>> = {
    i: job.key,
    T: job.state,
    r: job.reason,
    k: job.comment || '(null)',
    S: time(job.start),
    e: time(job.end),
    j: job.name,
  };
  return format.replaceAll(/%(\w)/g, (_, letter: string) => values[letter] ?? '?');
}

function sacct(): void {
  const history = cluster.history();
  if (history === null) fail('Slurm accounting storage is disabled');
  const keys = option('jobs').split(',');
  const asked = history.filter((one) => keys.some((key) => isMeant(key, one)));
  // An element that was never split off is known by the number of its array only, with all others of them.
  const waits = ({ arrayId, start }: FakeJob): boolean => arrayId !== null && start === 0;
  const rests = Map.groupBy(asked.filter(waits), ({ arrayId }) => String(arrayId));
  const whole = [...rests].filter(([base]) => keys.includes(base));
  const rows = [
    ...asked.filter((one) => !waits(one)),
    ...whole.flatMap(([base, [first, ...others]]) => {
      if (first === undefined) return [];
      const tasks = [first, ...others].map(({ task }) => task).join(',');
      return [{ ...first, key: `${base}_[${tasks}%1]` }];
    }),
  ];
  const isAll = argv.includes('--duplicates');
  const last = new Map(rows.map((job) => [job.key, job]));
  for (const job of isAll ? rows : last.values()) console.log(accounted(job));
}

function accounted(job: FakeJob): string {
  const values: Readonly<Record<string, string>> = {
    JobID: job.key,
    State: job.state === 'CANCELLED' ? 'CANCELLED by 1000' : job.state,
    ExitCode: `${job.exitCode}:${job.signal}`,
    Start: job.start === 0 ? 'None' : String(job.start),
    End: job.end === 0 ? 'Unknown' : String(job.end),
    Comment: job.comment,
    JobName: job.name,
  };
  const fields = option('format').split(',');
  return fields.map((field) => values[field] ?? '').join(option('delimiter') || '|');
}

function scontrol(): void {
  if (argv.includes('nodes')) {
    const running = cluster.list().filter(({ state }) => state === 'RUNNING').length;
    console.log(
      `NodeName=fake1 Arch=x86_64 CPUAlloc=${running} CPUEfctv=64 CPUTot=64 CPULoad=0.00 ` +
        `Gres=gpu:a100:2(S:0) GresUsed=gpu:a100:0(IDX:N/A) NodeAddr=127.0.0.1 RealMemory=64000 ` +
        `AllocMem=${running * 256} FreeMem=60000 State=MIXED Partitions=main,long `,
    );
    return;
  }
  for (const job of cluster.list()) console.log(JSON.stringify(job));
}

/** `--name=value`. */
function option(name: string): string {
  const prefix = `--${name}=`;
  return argv.find((word) => word.startsWith(prefix))?.slice(prefix.length) ?? '';
}

function time(seconds: number): string {
  return seconds === 0 ? 'N/A' : String(seconds);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
