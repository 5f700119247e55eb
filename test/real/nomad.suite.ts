import { backendContract } from '../contract/backend/backend.contract.ts';
import { jobRunnerContract } from '../contract/backend/job-runner.contract.ts';
import { nativePromises } from '../contract/backend/nomad-native.contract.ts';
import { serviceRunnerContract } from '../contract/backend/service-runner.contract.ts';
import { Dock } from '../integration/launcher/dock.ts';
import type { RealNomad } from './nomad.ts';
import { openRealNomad } from './nomad.ts';

const target = { name: 'real nomad', create: () => openRealNomad() };

backendContract(target);
jobRunnerContract(target);
serviceRunnerContract(target);
nativePromises(target);
jobRunnerContract({ name: 'real nomad, files by the launcher', create: openWithLauncher });

/** The nodes are on this machine, or the launcher could not reach the test. */
async function openWithLauncher(): Promise<RealNomad> {
  const dock = await Dock.open();
  const launcher = { command: [process.execPath, dock.launcher], returnSeconds: 20 };
  const under = await openRealNomad({ launcher }, dock);
  return {
    ...under,
    destroy: async () => {
      await under.destroy();
      await dock.destroy();
    },
  };
}
