import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { nomadTarget } from './nomad-under-test.ts';

backendContract(nomadTarget);
jobRunnerContract(nomadTarget);
