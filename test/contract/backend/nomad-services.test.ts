import { nomadTarget } from './nomad-under-test.ts';
import { serviceRunnerContract } from './service-runner.contract.ts';

serviceRunnerContract(nomadTarget);
