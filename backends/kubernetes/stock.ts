import type { V1Container, V1Job, V1Pod } from './native.ts';
import type { Delivery } from '../contract/delivery.ts';
import {
  driving,
  serverVariables,
  type StockProgram,
  supported,
  trainingVariables,
  wordFolder,
} from '../deepaas-images/program.ts';
import type { KubernetesSettings } from './config.ts';
import { aroundProgram, deliveryVariables } from './launcher.ts';
import { literal, variables } from './program.ts';
import { loopback } from './stock-command.ts';
import type { PodPlace } from './work-volumes.ts';
import { workFolder } from './work-volumes.ts';

/** The container of the module's own server, beside the driver of a training. */
export const serverName = 'module';

/** The driver and the launcher around it; what they stream they do not keep. */
const driverAmounts = {
  requests: { cpu: '50m', memory: '192Mi' },
  limits: { cpu: '1', memory: '512Mi' },
} as const;

/** What it is told beside the workload's own. */
export function serverEnvironment(
  stock: StockProgram,
  folder: string,
  artifactFolder: string | null,
): NonNullable<V1Container['env']> {
  if (stock.operation === 'train') {
    return variables(trainingVariables(stock, (below) => `${folder}/${below}`));
  }
  const artifact: Record<string, string> =
    artifactFolder === null ? {} : { FATHOM_ARTIFACT_FOLDER: `${folder}/${artifactFolder}` };
  return variables({ ...serverVariables(stock.model), ...artifact });
}

/**
 * The containers of a training: the module's server as a sidecar (Kubernetes 1.29 or later), which ends after the program,
 * and the driver as the program, inside of our launcher where files come by one.
 */
export function stockContainers(
  stock: StockProgram,
  server: V1Container,
  settings: KubernetesSettings,
  place: PodPlace,
  { delivery, limitSeconds }: { readonly delivery: Delivery | null; readonly limitSeconds: number },
): { readonly initContainers: V1Container[]; readonly containers: V1Container[] } {
  const { image, runtime, launcher, port } = supported(settings.deepaas);
  const folder = workFolder(settings, place);
  const driver = driving(runtime, stock, {
    work: folder,
    words: `${folder}/${wordFolder}`,
    url: `http://${loopback}:${port}`,
    waitSeconds: settings.loadTimeoutSeconds,
  });
  const command =
    delivery === null ? driver : aroundProgram(launcher, settings, driver, limitSeconds);
  const main: V1Container = {
    name: 'main',
    image,
    ...(settings.imagePullPolicy === null ? {} : { imagePullPolicy: settings.imagePullPolicy }),
    command: command.map(literal),
    workingDir: folder,
    env: [
      ...variables({ FATHOM_WORK_FOLDER: folder }),
      ...(delivery === null ? [] : deliveryVariables(place, delivery)),
    ],
    resources: driverAmounts,
    volumeMounts: server.volumeMounts ?? [],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
  const sidecar = { ...server, name: serverName, restartPolicy: 'Always' };
  return { initContainers: [sidecar], containers: [main] };
}

export function isStockJob({ spec }: V1Job): boolean {
  const all = spec?.template.spec?.initContainers ?? [];
  return all.some(({ name }) => name === serverName);
}

/** Whether the system ended something of the module's server for want of memory; it may have been started again since. */
export function isServerOutOfMemory(pod: V1Pod | undefined): boolean {
  const status = pod?.status?.initContainerStatuses?.find(({ name }) => name === serverName);
  const ends = [status?.state?.terminated, status?.lastState?.terminated];
  return ends.some((end) => end?.reason === 'OOMKilled');
}
