import type { JobStatus } from '../contract/job-runner.ts';
import type { WaitingCode } from '../../domain/waiting.ts';

/** Slurm's reasons for PENDING, in small letters; families of names follow below. */
const codes: Readonly<Record<string, WaitingCode>> = {
  '': 'DISPATCHING',
  none: 'DISPATCHING',
  priority: 'PRIORITY',
  resources: 'RESOURCES_BUSY',
  licenses: 'RESOURCES_BUSY',
  nodedown: 'NODE_UNAVAILABLE',
  partitiondown: 'NODE_UNAVAILABLE',
  partitioninactive: 'NODE_UNAVAILABLE',
  reqnodenotavail: 'NODE_UNAVAILABLE',
  reservation: 'NODE_UNAVAILABLE',
  reservationdeleted: 'NODE_UNAVAILABLE',
  frontenddown: 'NODE_UNAVAILABLE',
  partitionnodelimit: 'RESOURCES_EXCEED_SITE',
  partitiontimelimit: 'RESOURCES_EXCEED_SITE',
  partitionconfig: 'RESOURCES_EXCEED_SITE',
  badconstraints: 'UNSCHEDULABLE',
  dependency: 'DEPENDENCY',
  dependencyneversatisfied: 'DEPENDENCY',
  jobarraytasklimit: 'SWEEP_LIMIT',
  jobheldadmin: 'HELD',
  jobhelduser: 'HELD',
  jobholdmaxrequeue: 'HELD',
  deadline: 'UNSCHEDULABLE',
  begintime: 'BACKING_OFF',
  prolog: 'STARTING',
  cleaning: 'STARTING',
  burstbufferresources: 'RESOURCES_BUSY',
  burstbufferstagein: 'TRANSFERRING_DATA',
  accountnotallowed: 'QUOTA',
  invalidaccount: 'UNSCHEDULABLE',
  invalidqos: 'UNSCHEDULABLE',
  federation: 'DISPATCHING',
  schedulingdefer: 'DISPATCHING',
  systemfailure: 'NODE_UNAVAILABLE',
  nodefail: 'NODE_UNAVAILABLE',
  joblaunchfailure: 'NODE_UNAVAILABLE',
};

const families: readonly (readonly [RegExp, WaitingCode])[] = [
  [/^reqnodenotavail/, 'NODE_UNAVAILABLE'],
  [/^nodes? required for job are down/, 'NODE_UNAVAILABLE'],
  [/^(assoc|qos|association|maxjobs|maxnodes|maxcpus|maxsubmit)/, 'QUOTA'],
  [/^max[a-z]*per(account|user|job|node)/, 'QUOTA'],
  [/^joblimit|limit$/, 'QUOTA'],
  [/^burstbuffer/, 'TRANSFERRING_DATA'],
];

const sentences: Readonly<Partial<Record<WaitingCode, string>>> = {
  DISPATCHING: 'Slurm has it and has not looked at it yet.',
  STARTING: 'Slurm prepares the node.',
  PRIORITY: 'Jobs of higher priority come first.',
  RESOURCES_BUSY: 'It waits for resources that others are using.',
  NODE_UNAVAILABLE: 'Nodes that it needs are down, drained or reserved.',
  RESOURCES_EXCEED_SITE:
    'It asks for more than its partition allows, so it will wait until that changes.',
  UNSCHEDULABLE: 'No node satisfies what it asks for.',
  DEPENDENCY: 'It waits for another job.',
  QUOTA: 'A limit of the account, the QOS or the user is reached.',
  SWEEP_LIMIT: 'Others of its array run first: so many at the same time was asked for.',
  HELD: 'It is held, by its user or by the administrator.',
  BACKING_OFF: 'It may not begin before a certain time, for example after a node failed.',
  TRANSFERRING_DATA: 'Data are being staged.',
};

/** Total: a reason that we do not know is UNKNOWN, verbatim in `raw`. */
export function waitingOf(reason: string): NonNullable<JobStatus['waiting']> {
  const key = reason.trim().toLowerCase();
  const plain = key.split(/[\s(]/)[0] ?? '';
  const known = (name: string): WaitingCode | null =>
    Object.hasOwn(codes, name) ? (codes[name] ?? null) : null;
  const code =
    known(key) ?? known(plain) ?? families.find(([form]) => form.test(key))?.[1] ?? 'UNKNOWN';
  const message = sentences[code] ?? 'Slurm gives a reason that is not known here.';
  return { code, message, raw: reason === '' ? null : reason };
}
