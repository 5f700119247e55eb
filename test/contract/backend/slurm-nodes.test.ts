import { fakeCommands } from '../../fakes/slurm/site.ts';
import { slurmSeveralNodes } from './slurm-nodes.ts';
import { openSlurm } from './slurm-under-test.ts';

slurmSeveralNodes('slurm by its commands', () => openSlurm(fakeCommands()));
