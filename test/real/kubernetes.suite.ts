import { backendContract } from '../contract/backend/backend.contract.ts';
import { jobRunnerContract } from '../contract/backend/job-runner.contract.ts';
import { serviceRunnerContract } from '../contract/backend/service-runner.contract.ts';
import { stockImagesContract } from '../contract/backend/stock-images.contract.ts';
import { acceleratorPromises } from './accelerators.ts';
import { kubernetesBadDays } from './kubernetes-bad-days.ts';
import { kueuePromises } from './kubernetes-kueue.ts';
import { cluster, openRealKubernetes, openWithLauncher } from './kubernetes.ts';

const { runtimeImage } = cluster;
const deepaas = { image: runtimeImage };

if (cluster.shared !== null) {
  const target = { name: 'real kubernetes', create: () => openRealKubernetes() };
  backendContract(target);
  jobRunnerContract(target);
  serviceRunnerContract(target);
  kubernetesBadDays();
  if (cluster.kueue !== null) kueuePromises(cluster.kueue);
  if (cluster.gpu !== null) {
    acceleratorPromises({
      name: 'real kubernetes',
      model: cluster.gpu,
      create: () => openRealKubernetes({ pollMs: 2000 }),
      unknowing: (under) => under.again({ gpu: {} }),
    });
  }
  if (runtimeImage !== null) {
    stockImagesContract({
      name: 'real kubernetes, with a shared folder',
      limitsMemory: true,
      create: () => openRealKubernetes({ deepaas }),
    });
  }
}

if (cluster.launcherImage !== null && cluster.dataHost !== null) {
  const beside = {
    name: 'real kubernetes, files by a sidecar',
    create: () => openWithLauncher('BESIDE'),
  };
  backendContract(beside);
  jobRunnerContract(beside);
  if (runtimeImage !== null) {
    stockImagesContract({
      name: 'real kubernetes, with a launcher',
      limitsMemory: true,
      create: () => openWithLauncher('BESIDE', { deepaas }),
    });
  }
  if (cluster.launcherPath !== null) {
    jobRunnerContract({
      name: 'real kubernetes, files by a launcher around the program',
      create: () => openWithLauncher('AROUND'),
    });
  }
}

if (cluster.shared === null && (cluster.launcherImage === null || cluster.dataHost === null)) {
  throw new Error(
    'How files come and go is said by FATHOM_KUBERNETES_FOLDER and _CLAIM, or by _LAUNCHER_IMAGE and _DATA_HOST: see backends/kubernetes/README.md.',
  );
}
