import { jobRunnerContract } from './job-runner.contract.ts';
import { kubernetesTarget } from './kubernetes-under-test.ts';

jobRunnerContract(kubernetesTarget);
