import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { localTarget } from './local-under-test.ts';
import { serviceRunnerContract } from './service-runner.contract.ts';

backendContract(localTarget);
jobRunnerContract(localTarget);
serviceRunnerContract(localTarget);
