import type {
  V1ConfigMap,
  V1Deployment,
  V1Job,
  V1ObjectMeta,
  V1Secret,
  V1Service,
} from './native.ts';
import type { Delivery } from '../contract/delivery.ts';
import { BackendError } from '../contract/error.ts';
import type { JobWorkload, ServiceWorkload } from '../contract/workload.ts';
import { stockOf } from '../deepaas-images/program.ts';
import { isInnerPath } from '../work-folder/inputs.ts';
import type { KubernetesSettings } from './config.ts';
import { annotations, labels, manager } from './names.ts';
import { nodesOf } from './gang.ts';
import { podSeconds } from './launcher.ts';
import { podSpec, secretData } from './pod.ts';
import { literal } from './program.ts';
import { textFiles, workFolder } from './work-volumes.ts';

/** What goes with a Job or Deployment, and is owned by it. */
export interface Belongings {
  readonly secret: V1Secret | null;
  readonly configMap: V1ConfigMap | null;
  readonly service: V1Service | null;
}

export interface Naming {
  readonly name: string;
  readonly key: string;
  /** Null where data goes another way. */
  readonly delivery: Delivery | null;
}

/** Pure: what is asked of Kubernetes, shown to people as the dry run (without the data of the Secret). */
export function translateJob(
  workload: JobWorkload,
  settings: KubernetesSettings,
  { name, key, delivery }: Naming,
): { readonly job: V1Job; readonly belongings: Belongings } {
  const place = { name, kind: 'JOB', isStock: stockOf(workload.program) !== null } as const;
  const limit = Math.ceil(workload.resources.timeLimitSeconds);
  const metadata = metadataOf(workload, place, key);
  const nodes = nodesOf(workload.resources, settings);
  const queue =
    settings.kueueQueue === null ? {} : { 'kueue.x-k8s.io/queue-name': settings.kueueQueue };
  const job: V1Job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, labels: { ...metadata.labels, ...queue } },
    spec: {
      ...(nodes === 1 ? {} : { completionMode: 'Indexed' }),
      completions: nodes,
      parallelism: nodes,
      // Another try is another attempt of the run, never a second start of this one.
      backoffLimit: 0,
      // Counts the waiting too, and takes the log away; the pod's own limit below does neither.
      activeDeadlineSeconds: podSeconds(settings, place, limit) + settings.queueLimitSeconds,
      ttlSecondsAfterFinished: settings.keepFinishedSeconds,
      podFailurePolicy: {
        rules: [
          { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      ...(settings.kueueQueue === null ? {} : { suspend: true }),
      template: {
        metadata: { labels: metadata.labels ?? {} },
        spec: {
          ...podSpec(workload, settings, place, delivery),
          activeDeadlineSeconds: podSeconds(settings, place, limit),
        },
      },
    },
  };
  const service = nodes === 1 ? null : headService(metadata, name);
  return { job, belongings: { ...belongings(workload, settings, metadata, delivery), service } };
}

export function translateService(
  workload: ServiceWorkload,
  settings: KubernetesSettings,
  { name, key, delivery }: Naming,
): { readonly deployment: V1Deployment; readonly belongings: Belongings } {
  const isStock = stockOf(workload.program) !== null;
  const place = { name, kind: 'SERVICE', isStock } as const;
  if ((workload.resources.nodes ?? 1) > 1) {
    throw new BackendError('Unsupported', 'translate', 'A server runs on one node.');
  }
  const { artifactFolder, program } = workload;
  if (artifactFolder !== null && !isInnerPath(artifactFolder)) {
    const message = `The artifact folder ${JSON.stringify(artifactFolder)} is not allowed.`;
    throw new BackendError('Rejected', 'translate', message);
  }
  const port = settings.servicePort;
  const metadata = metadataOf(workload, place, key);
  const spec = podSpec(workload, settings, place, delivery, {
    ports: [{ name: 'module', containerPort: port }],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1, failureThreshold: 3 },
  });
  const [main] = spec.containers;
  if (main !== undefined && !isStock && program.kind === 'MODULE' && artifactFolder !== null) {
    const folder = `${workFolder(settings, place)}/${artifactFolder}`;
    main.command = [...(main.command ?? []), '--artifact', literal(folder)];
  }
  const selector = { [labels.name]: name };
  const deployment: V1Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: workload.replicas,
      progressDeadlineSeconds: settings.loadTimeoutSeconds,
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: metadata.labels ?? {} },
        spec: { ...spec, restartPolicy: 'Always' },
      },
    },
  };
  const service: V1Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { selector, ports: [{ name: 'module', port, targetPort: 'module' }] },
  };
  return {
    deployment,
    belongings: { ...belongings(workload, settings, metadata, delivery), service },
  };
}

/** Gives the pods of a job names, from when they have an address on: the first waits for nobody's leave to be found. */
function headService(metadata: V1ObjectMeta, name: string): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: { [labels.name]: name },
    },
  };
}

function belongings(
  workload: JobWorkload,
  settings: KubernetesSettings,
  metadata: V1ObjectMeta,
  delivery: Delivery | null,
): Omit<Belongings, 'service'> {
  const data = secretData(workload, delivery);
  const files = textFiles(workload.inputs, settings);
  return {
    secret:
      data === null ? null : { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data },
    configMap:
      files === null ? null : { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: files },
  };
}

function metadataOf(
  workload: JobWorkload,
  { name, kind }: { readonly name: string; readonly kind: 'JOB' | 'SERVICE' },
  key: string,
): V1ObjectMeta {
  return {
    name,
    labels: {
      [labels.managed]: manager,
      [labels.kind]: kind.toLowerCase(),
      [labels.name]: name,
      ...forSelectors(workload.labels),
    },
    annotations: {
      [annotations.key]: key,
      [annotations.title]: workload.title.slice(0, 1000),
      [annotations.labels]: JSON.stringify(workload.labels),
    },
  };
}

/** Those that Kubernetes takes as labels; the annotation has them all. */
function forSelectors(all: JobWorkload['labels']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all)
      .filter(
        ([name, value]) =>
          /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/.test(name) &&
          /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/.test(value),
      )
      .map(([name, value]) => [`run.fathom/${name}`, value]),
  );
}
