import { jobRunnerContract } from './job-runner.contract.ts';
import { localTarget } from './local-under-test.ts';
import { serviceRunnerContract } from './service-runner.contract.ts';

jobRunnerContract(localTarget);
serviceRunnerContract(localTarget);
