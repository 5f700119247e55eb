import { jobRunnerContract } from '../contract/backend/job-runner.contract.ts';
import { openRealKubernetes } from './kubernetes.ts';

jobRunnerContract({ name: 'real kubernetes', create: () => openRealKubernetes() });
