import { hostname } from 'node:os';
import { join } from 'node:path';

interface Place {
  readonly folder: string;
  readonly nodes: readonly string[];
  readonly version: string;
  readonly confines: boolean;
  readonly accounts: boolean;
}

export interface SlurmPorts {
  readonly controller: number;
  readonly nodes: readonly number[];
  /** Of slurmdbd and its database; used where accounts are kept. */
  readonly accounting: number;
  readonly database: number;
}

/** The smallest that runs jobs as they come, each line needed. */
export function slurmConf({ folder, nodes, confines, accounts }: Place, ports: SlurmPorts): string {
  const at = (name: string): string => join(folder, name);
  const machine = hostname().split('.')[0] ?? '';
  const tracking = confines ? 'cgroup' : 'linux';
  const shape = 'CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1';
  const entries = nodes.map(
    (node, index) =>
      `NodeName=${node} NodeHostname=${machine} NodeAddr=127.0.0.1 Port=${ports.nodes[index]} ${shape} RealMemory=8000 Gres=gpu:toy:2 State=UNKNOWN`,
  );
  return `ClusterName=${nodes[0]}
SlurmctldHost=${machine}(127.0.0.1)
SlurmUser=root
SlurmctldPort=${ports.controller}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=${at('run/munge.sock')}
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key=${at('jwt.key')}
StateSaveLocation=${at('state')}
SlurmdSpoolDir=${at('spool')}/%n
SlurmctldPidFile=${at('run/slurmctld.pid')}
SlurmdPidFile=${at('run')}/slurmd-%n.pid
SlurmctldLogFile=${at('log/slurmctld.log')}
SlurmdLogFile=${at('log')}/slurmd-%n.log
MailProg=/bin/true
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=512
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
KillWait=2
MinJobAge=${accounts ? 2 : 300}
GresTypes=gpu
ProctrackType=proctrack/${confines ? 'cgroup' : 'linuxproc'}
${confines ? 'TaskPlugin=task/cgroup' : 'TaskPlugin=task/none'}
JobAcctGatherType=jobacct_gather/${tracking}
${accounts ? accountingConf(at('run/munge.sock'), ports.accounting) : ''}${entries.join('\n')}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}

/** Its munge is named once more: without that it is looked for at the place of the system's. */
function accountingConf(munge: string, port: number): string {
  return `AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=${port}
AccountingStoragePass=${munge}
AccountingStoreFlags=job_comment
AccountingStorageTRES=gres/gpu
`;
}

/** For a private MariaDB, whose only user it is. */
export function slurmdbdConf(
  folder: string,
  ports: Pick<SlurmPorts, 'accounting' | 'database'>,
): string {
  const at = (name: string): string => join(folder, name);
  return `DbdHost=${hostname().split('.')[0] ?? ''}
DbdAddr=127.0.0.1
DbdPort=${ports.accounting}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${at('run/munge.sock')}
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key=${at('jwt.key')}
PidFile=${at('run/slurmdbd.pid')}
LogFile=${at('log/slurmdbd.log')}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=${ports.database}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
`;
}

export function cgroupConf({ version, confines }: Place): string {
  const isOld = /^(2[0-2]|23\.02)\./.test(version);
  const automount = isOld ? 'CgroupAutomount=no\n' : '';
  // Later versions load a plugin even when nothing uses it, unless they are told not to.
  if (!confines) return isOld ? automount : 'CgroupPlugin=disabled\n';
  const mount = 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\n';
  return `${mount}${automount}ConstrainRAMSpace=yes\nConstrainCores=no\nConstrainDevices=no\n`;
}
