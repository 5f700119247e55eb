import { tmpdir } from 'node:os';
import { modern } from '../../fakes/slurm/rest-shapes.ts';
import { fakeCommands, fakeRest } from '../../fakes/slurm/site.ts';
import { slurmRunsSweeps } from './slurm-sweeps.ts';

slurmRunsSweeps('a Slurm by its commands', async () => ({
  slurm: fakeCommands(),
  parent: tmpdir(),
}));

slurmRunsSweeps('a Slurm by slurmrestd', async () => ({
  slurm: await fakeRest(modern),
  parent: tmpdir(),
}));
