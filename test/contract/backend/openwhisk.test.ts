import { backendContract } from './backend.contract.ts';
import { functionRunnerContract } from './function-runner.contract.ts';
import { asBackendUnderTest } from './functions-under-test.ts';
import { openOpenWhisk } from './openwhisk-under-test.ts';

functionRunnerContract({ name: 'openwhisk', create: () => openOpenWhisk() });

backendContract({
  name: 'openwhisk, where secrets may be shown',
  create: async () => asBackendUnderTest(await openOpenWhisk({ showSecrets: true })),
});
