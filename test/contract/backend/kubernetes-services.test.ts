import { kubernetesTarget } from './kubernetes-under-test.ts';
import { serviceRunnerContract } from './service-runner.contract.ts';

serviceRunnerContract(kubernetesTarget);
