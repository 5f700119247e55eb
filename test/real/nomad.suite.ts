import { backendContract } from '../contract/backend/backend.contract.ts';
import { jobRunnerContract } from '../contract/backend/job-runner.contract.ts';
import { nativePromises } from '../contract/backend/nomad-native.contract.ts';
import { serviceRunnerContract } from '../contract/backend/service-runner.contract.ts';
import { openRealNomad } from './nomad.ts';

const target = { name: 'real nomad', create: () => openRealNomad() };

backendContract(target);
jobRunnerContract(target);
serviceRunnerContract(target);
nativePromises(target);
