import { functionRunnerContract } from '../contract/backend/function-runner.contract.ts';
import { openRealOpenWhisk } from './openwhisk.ts';

functionRunnerContract({ name: 'real OpenWhisk', create: () => openRealOpenWhisk() });
