import type { V1Container, V1PodSpec, V1Volume, V1VolumeMount } from './native.ts';
import { BackendError } from '../contract/error.ts';
import type { InputFile, JobWorkload, Program } from '../contract/workload.ts';
import { isInnerPath } from '../work-folder/inputs.ts';
import type { KubernetesSettings } from './config.ts';
import { gpuNodes } from './gpus.ts';

/** Kubernetes takes a ConfigMap and a Secret of up to 1 MiB each. */
const objectLimitBytes = 1024 * 1024 - 16 * 1024;

export interface PodPlace {
  readonly name: string;
  readonly kind: 'JOB' | 'SERVICE';
}

/** Pure. The work folder is the same path for us to know and for the program to see. */
export function podSpec(
  workload: JobWorkload,
  settings: KubernetesSettings,
  place: PodPlace,
  more: Partial<V1Container> = {},
): V1PodSpec {
  const folder = workFolder(settings, place);
  const { image, argv } = imageAndArguments(workload.program, settings, folder);
  const mounts = workMounts(workload.inputs, settings, place, folder);
  const { cpus, memoryMiB, gpus } = workload.resources;
  const amounts: Record<string, string> = {
    cpu: `${Math.ceil(cpus * 1000)}m`,
    memory: `${Math.ceil(memoryMiB)}Mi`,
  };
  const nodes = gpus === null ? {} : gpuNodes(gpus, settings.gpu);
  if (gpus !== null && settings.gpu !== null) amounts[settings.gpu.resource] = String(gpus.count);
  checkProgram(workload, argv);
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: settings.stopGraceSeconds,
    ...(settings.serviceAccount === null ? {} : { serviceAccountName: settings.serviceAccount }),
    ...(settings.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })) }),
    nodeSelector: { ...settings.nodeSelector, ...nodes.nodeSelector },
    ...(nodes.affinity === undefined ? {} : { affinity: nodes.affinity }),
    tolerations: settings.tolerations as NonNullable<V1PodSpec['tolerations']>,
    volumes: mounts.volumes,
    containers: [
      {
        name: 'main',
        image,
        ...(settings.imagePullPolicy === null ? {} : { imagePullPolicy: settings.imagePullPolicy }),
        command: argv.map(literal),
        workingDir: folder,
        env: environment(workload, place, folder),
        resources: { requests: amounts, limits: amounts },
        volumeMounts: mounts.volumeMounts,
        // The last lines of a program that failed come with its status.
        terminationMessagePolicy: 'FallbackToLogsOnError',
        ...more,
      },
    ],
  };
}

export function workFolder(settings: KubernetesSettings, { kind, name }: PodPlace): string {
  const root = settings.sharedFolder?.mountPath ?? '/fathom';
  return `${root.replace(/\/+$/, '')}/${sharedPlace({ kind, name })}/work`;
}

/** Below the shared folder. */
export function sharedPlace({ kind, name }: PodPlace): string {
  return `${kind === 'JOB' ? 'jobs' : 'services'}/${name}`;
}

/** What the ConfigMap of a workload without a shared folder holds; null with one. */
export function textFiles(
  inputs: readonly InputFile[],
  settings: KubernetesSettings,
): Record<string, string> | null {
  if (settings.sharedFolder !== null || inputs.length === 0) return null;
  const files: Record<string, string> = {};
  let bytes = 0;
  for (const [index, { path, content }] of inputs.entries()) {
    checkPath(path, inputs);
    if (content.kind === 'BLOB') {
      const message =
        'This cluster has no shared folder, so a run there can be given text files and no data.';
      throw new BackendError('Unsupported', 'translate', message);
    }
    bytes += Buffer.byteLength(content.text);
    files[`file-${index}`] = content.text;
  }
  if (bytes > objectLimitBytes) {
    throw rejected(
      `The input files are ${bytes} bytes; without a shared folder 1 MiB is the most.`,
    );
  }
  return files;
}

/** Base64, as a Secret carries them; null when there are none. */
export function secretData(workload: JobWorkload): Record<string, string> | null {
  const entries = Object.entries(workload.secrets);
  if (entries.length === 0) return null;
  const data = Object.fromEntries(
    // Names of variables are freer than keys of a Secret.
    entries.map(([, value], index) => [`secret-${index}`, Buffer.from(value).toString('base64')]),
  );
  if (JSON.stringify(data).length > objectLimitBytes) {
    throw rejected('The secrets are longer than 1 MiB, which is more than Kubernetes keeps.');
  }
  return data;
}

/** Kubernetes fills `$(NAME)` into commands and variables; doubled, a dollar is a dollar. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function environment(
  workload: JobWorkload,
  { name }: PodPlace,
  folder: string,
): NonNullable<V1Container['env']> {
  // Images of CUDA show every device of the node: who asked for none gets none.
  const none: Record<string, string> =
    workload.resources.gpus === null
      ? { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'none' }
      : {};
  const plain = { ...none, ...workload.environment, FATHOM_WORK_FOLDER: folder };
  const secretNames = Object.keys(workload.secrets);
  return [
    ...Object.entries(plain)
      .filter(([key]) => !secretNames.includes(key))
      .map(([key, value]) => ({ name: key, value: literal(value) })),
    ...secretNames.map((key, index) => ({
      name: key,
      valueFrom: { secretKeyRef: { name, key: `secret-${index}` } },
    })),
  ];
}

function workMounts(
  inputs: readonly InputFile[],
  settings: KubernetesSettings,
  place: PodPlace,
  folder: string,
): { readonly volumes: V1Volume[]; readonly volumeMounts: V1VolumeMount[] } {
  const shared = settings.sharedFolder;
  if (shared !== null) {
    const prefix = shared.claimPath === '' ? '' : `${shared.claimPath.replace(/\/+$/, '')}/`;
    return {
      volumes: [
        { name: 'work', persistentVolumeClaim: { claimName: shared.persistentVolumeClaim } },
      ],
      volumeMounts: [
        { name: 'work', mountPath: folder, subPath: `${prefix}${sharedPlace(place)}/work` },
      ],
    };
  }
  const hasFiles = inputs.length > 0;
  return {
    volumes: [
      { name: 'work', emptyDir: {} },
      { name: 'out', emptyDir: {} },
      ...(hasFiles ? [{ name: 'inputs', configMap: { name: place.name } }] : []),
    ],
    volumeMounts: [
      { name: 'work', mountPath: folder },
      { name: 'out', mountPath: `${folder}/out` },
      ...inputs.map(({ path }, index) => ({
        name: 'inputs',
        mountPath: `${folder}/${path}`,
        subPath: `file-${index}`,
        readOnly: true,
      })),
    ],
  };
}

function imageAndArguments(
  program: Program,
  settings: KubernetesSettings,
  folder: string,
): { readonly image: string; readonly argv: readonly string[] } {
  if (program.kind === 'COMMAND') {
    const image = program.image ?? settings.commandImage;
    if (image === null) {
      const message = 'A cluster runs images, and no image for plain commands is configured here.';
      throw new BackendError('Unsupported', 'translate', message);
    }
    return { image, argv: program.argv };
  }
  const { source } = program.module;
  if (source.kind === 'FOLDER') {
    const message = 'A cluster runs images: this module is a folder, and has none.';
    throw new BackendError('Unsupported', 'translate', message);
  }
  const argv = [...settings.imageRuntime, program.operation];
  if (program.operation === 'train') {
    return { image: source.image, argv: [...argv, '--work', folder] };
  }
  const port = String(settings.servicePort);
  return { image: source.image, argv: [...argv, '--host', '0.0.0.0', '--port', port] };
}

function checkProgram(workload: JobWorkload, argv: readonly string[]): void {
  if (argv.length === 0 || argv[0] === '') throw rejected('There is no command to run.');
  if (argv.some((argument) => argument.includes('\0'))) {
    throw rejected('An argument holds a NUL character, which no program can be given.');
  }
  for (const group of [workload.environment, workload.secrets]) {
    for (const [name, value] of Object.entries(group)) {
      if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
        throw rejected(`The environment variable "${name.replaceAll('\0', '')}" is malformed.`);
      }
    }
  }
}

function checkPath(path: string, inputs: readonly InputFile[]): void {
  if (!isInnerPath(path)) throw rejected(`The input path ${JSON.stringify(path)} is not allowed.`);
  const rivals = inputs.filter((one) => one.path === path || one.path.startsWith(`${path}/`));
  if (rivals.length > 1) throw rejected(`The input path ${JSON.stringify(path)} is there twice.`);
}

function rejected(message: string): BackendError {
  return new BackendError('Rejected', 'translate', message);
}
