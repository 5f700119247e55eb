import { backendContract } from '../contract/backend/backend.contract.ts';
import { jobRunnerContract } from '../contract/backend/job-runner.contract.ts';
import { nativePromises } from '../contract/backend/nomad-native.contract.ts';
import { serviceRunnerContract } from '../contract/backend/service-runner.contract.ts';
import { stockImagesContract } from '../contract/backend/stock-images.contract.ts';
import { Dock } from '../integration/launcher/dock.ts';
import { acceleratorPromises } from './accelerators.ts';
import { nomadRunsImages } from './nomad-images.ts';
import type { RealNomad } from './nomad.ts';
import { cluster, openRealNomad, openRealNomadOfImages } from './nomad.ts';

const target = { name: 'real nomad', create: () => openRealNomad() };

backendContract(target);
jobRunnerContract(target);
serviceRunnerContract(target);
nativePromises(target);
jobRunnerContract({ name: 'real nomad, files by the launcher', create: openWithLauncher });

if (cluster.model !== null) {
  acceleratorPromises({ ...target, model: cluster.model, unknowing: null });
}

if (cluster.image === null) {
  console.log('FATHOM_NOMAD_IMAGE is not set: nothing runs in containers.');
} else {
  const images = {
    name: 'real nomad, in containers',
    isContainer: true,
    create: (settings?: object) => openRealNomadOfImages(settings),
  };
  jobRunnerContract(images);
  serviceRunnerContract(images);
  nativePromises(images);
  nomadRunsImages(images);
  if (cluster.model !== null) {
    acceleratorPromises({ ...images, model: cluster.model, unknowing: null });
  }
}
if (cluster.image !== null && cluster.launcherImage === null) {
  console.log('FATHOM_NOMAD_LAUNCHER_IMAGE is not set: no files come and go beside containers.');
} else if (cluster.image !== null) {
  const name = 'real nomad, in containers, files by the launcher';
  jobRunnerContract({ name, create: () => openBesideContainers() });
}

if (cluster.image !== null && cluster.runtimeImage !== null) {
  const deepaas = { image: cluster.runtimeImage };
  stockImagesContract({
    name: 'real nomad, with a shared folder',
    limitsMemory: true,
    create: () => openRealNomadOfImages({ deepaas }),
  });
  stockImagesContract({
    name: 'real nomad, with a launcher',
    limitsMemory: true,
    create: () => openBesideContainers({ deepaas }),
  });
} else {
  console.log('FATHOM_NOMAD_RUNTIME_IMAGE is not set: no image that has DEEPaaS alone is run.');
}

/** The nodes are on this machine, or the launcher could not reach the test. */
async function openWithLauncher(): Promise<RealNomad> {
  const dock = await Dock.open();
  const launcher = { command: [process.execPath, dock.launcher], returnSeconds: 20 };
  return withDock(await openRealNomad({ launcher }, dock), dock);
}

/** Containers reach the test by the network of the node. */
async function openBesideContainers(more: object = {}): Promise<RealNomad> {
  const dock = await Dock.open();
  const launcher = { image: cluster.launcherImage, returnSeconds: 20 };
  const docker = { commandImage: cluster.image, networkMode: 'host' };
  return withDock(await openRealNomadOfImages({ launcher, docker, ...more }, dock), dock);
}

function withDock(under: RealNomad, dock: Dock): RealNomad {
  return {
    ...under,
    destroy: async () => {
      await under.destroy();
      await dock.destroy();
    },
  };
}
