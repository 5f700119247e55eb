import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { kubernetesTarget } from './kubernetes-under-test.ts';

backendContract(kubernetesTarget);
jobRunnerContract(kubernetesTarget);
