import { backendContract } from '../contract/backend/backend.contract.ts';
import { jobRunnerContract } from '../contract/backend/job-runner.contract.ts';
import { serviceRunnerContract } from '../contract/backend/service-runner.contract.ts';
import { cluster, openRealKubernetes } from './kubernetes.ts';

if (cluster.shared !== null) {
  const target = { name: 'real kubernetes', create: () => openRealKubernetes() };
  backendContract(target);
  jobRunnerContract(target);
  serviceRunnerContract(target);
}
