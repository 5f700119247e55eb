import type { V1Affinity, V1Container, V1PodSpec } from './native.ts';
import type { Delivery } from '../contract/delivery.ts';
import { BackendError } from '../contract/error.ts';
import type { JobWorkload } from '../contract/workload.ts';
import { stockOf, supported } from '../deepaas-images/program.ts';
import type { KubernetesSettings } from './config.ts';
import { apart, nodesOf, rankVariables } from './gang.ts';
import { gpuNodes } from './gpus.ts';
import { deliveryVariables, launcherContainers, tokenKey, wrapped } from './launcher.ts';
import { checkProgram, environment, imageAndArguments, literal, variables } from './program.ts';
import { serverEnvironment, stockContainers } from './stock.ts';
import type { PodPlace } from './work-volumes.ts';
import { objectLimitBytes, workFolder, workMounts, wraps } from './work-volumes.ts';

/** Pure. `delivery` is null where data goes another way. */
export function podSpec(
  workload: JobWorkload & { readonly artifactFolder?: string | null },
  settings: KubernetesSettings,
  place: PodPlace,
  delivery: Delivery | null,
  more: Partial<V1Container> = {},
): V1PodSpec {
  const folder = workFolder(settings, place);
  const { image, argv } = imageAndArguments(workload.program, settings, folder);
  const { volumes, volumeMounts } = workMounts(workload.inputs, settings, place);
  const { cpus, memoryMiB, gpus } = workload.resources;
  const amounts: Record<string, string> = {
    cpu: `${Math.ceil(cpus * 1000)}m`,
    memory: `${Math.ceil(memoryMiB)}Mi`,
  };
  const found = gpus === null ? {} : gpuNodes(gpus, settings.gpu);
  if (gpus !== null && settings.gpu !== null) amounts[settings.gpu.resource] = String(gpus.count);
  checkProgram(workload, argv);
  const { artifactFolder = null } = workload;
  const limit = Math.ceil(workload.resources.timeLimitSeconds);
  const nodes = place.kind === 'JOB' ? nodesOf(workload.resources, settings) : 1;
  const affinity: V1Affinity = { ...found.affinity, ...apart(place.name, nodes, settings) };
  const pull =
    settings.imagePullPolicy === null ? {} : { imagePullPolicy: settings.imagePullPolicy };
  const before = launcherContainers(settings, place, delivery, { image, volumeMounts });
  const returnSeconds =
    delivery === null || place.kind === 'SERVICE' ? 0 : settings.returnGraceSeconds;
  const stock = stockOf(workload.program);
  if (stock !== null) supported(settings.deepaas, nodes);
  const isTraining = stock?.operation === 'train';
  const main: V1Container = {
    name: 'main',
    image,
    ...pull,
    command: (stock === null ? wrapped(settings, place, argv, limit) : argv).map(literal),
    // A server of somebody else's works where its image says.
    ...(stock?.operation === 'serve' ? {} : { workingDir: folder }),
    env: environment(workload, place.name, [
      ...variables({ FATHOM_WORK_FOLDER: folder }),
      ...(stock === null ? [] : serverEnvironment(stock, folder, artifactFolder)),
      ...(place.kind === 'JOB' ? rankVariables(place.name, nodes) : []),
      ...(delivery !== null && wraps(settings, place) && !isTraining
        ? deliveryVariables(place, delivery)
        : []),
    ]),
    resources: { requests: amounts, limits: amounts },
    volumeMounts,
    // The last lines of a program that failed come with its status.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...more,
  };
  const { initContainers, containers } =
    stock !== null && isTraining
      ? stockContainers(stock, main, settings, place, { delivery, limitSeconds: limit })
      : { initContainers: [...before], containers: [main] };
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: settings.stopGraceSeconds + returnSeconds,
    ...(settings.serviceAccount === null ? {} : { serviceAccountName: settings.serviceAccount }),
    ...(settings.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })) }),
    ...(nodes === 1 ? {} : { subdomain: place.name }),
    nodeSelector: { ...settings.nodeSelector, ...found.nodeSelector },
    ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
    tolerations: settings.tolerations as NonNullable<V1PodSpec['tolerations']>,
    volumes,
    ...(initContainers.length === 0 ? {} : { initContainers }),
    containers,
  };
}

/** Base64, as a Secret carries them; null when there are none. */
export function secretData(
  workload: JobWorkload,
  delivery: Delivery | null,
): Record<string, string> | null {
  const entries = Object.entries(workload.secrets).map(
    // Names of variables are freer than keys of a Secret.
    ([, value], index): readonly [string, string] => [`secret-${index}`, value],
  );
  if (delivery !== null) entries.push([tokenKey, delivery.token]);
  if (entries.length === 0) return null;
  const data = Object.fromEntries(
    entries.map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  if (JSON.stringify(data).length > objectLimitBytes) {
    const message = 'The secrets are longer than 1 MiB, which is more than Kubernetes keeps.';
    throw new BackendError('Rejected', 'translate', message);
  }
  return data;
}
