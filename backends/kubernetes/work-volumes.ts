import type { V1Volume, V1VolumeMount } from './native.ts';
import { BackendError } from '../contract/error.ts';
import type { InputFile } from '../contract/workload.ts';
import { isInnerPath } from '../work-folder/inputs.ts';
import type { KubernetesSettings } from './config.ts';

/** Kubernetes takes a ConfigMap and a Secret of up to 1 MiB each. */
export const objectLimitBytes = 1024 * 1024 - 16 * 1024;

export interface PodPlace {
  readonly name: string;
  readonly kind: 'JOB' | 'SERVICE';
  /** Whether the program is the driver of an image that has DEEPaaS alone, see `stock.ts`. */
  readonly isStock?: boolean;
}

/** The work folder is the same path for us to know and for the program to see. */
export function workFolder(settings: KubernetesSettings, { kind, name }: PodPlace): string {
  const root = settings.sharedFolder?.mountPath ?? '/fathom';
  return `${root.replace(/\/+$/, '')}/${sharedPlace({ kind, name })}/work`;
}

/** Below the shared folder. */
export function sharedPlace({ kind, name }: PodPlace): string {
  return `${kind === 'JOB' ? 'jobs' : 'services'}/${name}`;
}

/** Whether the launcher runs around the program, and so knows its end and what it printed. */
export function wraps(
  { launcher }: KubernetesSettings,
  { kind, isStock = false }: Pick<PodPlace, 'kind' | 'isStock'>,
): boolean {
  return launcher !== null && kind === 'JOB' && (isStock || 'path' in launcher);
}

/** What is mounted where the program works: its part of the claim, a folder for the launcher, or files of a ConfigMap. */
export function workMounts(
  inputs: readonly InputFile[],
  settings: KubernetesSettings,
  place: PodPlace,
): { readonly volumes: V1Volume[]; readonly volumeMounts: V1VolumeMount[] } {
  const folder = workFolder(settings, place);
  const { sharedFolder: shared, launcher } = settings;
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
  if (launcher !== null) {
    for (const { path } of inputs) checkPath(path, inputs);
    if (wraps(settings, place)) {
      const volumeMounts = [{ name: 'work', mountPath: folder }];
      return { volumes: [{ name: 'work', emptyDir: {} }], volumeMounts };
    }
    return ownFolders(folder);
  }
  const own = ownFolders(folder);
  return {
    volumes: [
      ...own.volumes,
      ...(inputs.length > 0 ? [{ name: 'inputs', configMap: { name: place.name } }] : []),
    ],
    volumeMounts: [
      ...own.volumeMounts,
      ...inputs.map(({ path }, index) => ({
        name: 'inputs',
        mountPath: `${folder}/${path}`,
        subPath: `file-${index}`,
        readOnly: true,
      })),
    ],
  };
}

/** Of the pod alone, and writable by whatever user its images have. */
function ownFolders(folder: string) {
  return {
    volumes: [
      { name: 'work', emptyDir: {} },
      { name: 'out', emptyDir: {} },
    ],
    volumeMounts: [
      { name: 'work', mountPath: folder },
      { name: 'out', mountPath: `${folder}/out` },
    ],
  };
}

/** What the ConfigMap of a workload holds; null where files come another way. */
export function textFiles(
  inputs: readonly InputFile[],
  settings: KubernetesSettings,
): Record<string, string> | null {
  if (settings.sharedFolder !== null || settings.launcher !== null) return null;
  if (inputs.length === 0) return null;
  const files: Record<string, string> = {};
  let bytes = 0;
  for (const [index, { path, content }] of inputs.entries()) {
    checkPath(path, inputs);
    if (content.kind === 'BLOB') {
      const message =
        'This cluster has neither a shared folder nor a launcher: a run there gets text files and no data.';
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

function checkPath(path: string, inputs: readonly InputFile[]): void {
  if (!isInnerPath(path)) throw rejected(`The input path ${JSON.stringify(path)} is not allowed.`);
  const rivals = inputs.filter((one) => one.path === path || one.path.startsWith(`${path}/`));
  if (rivals.length > 1) throw rejected(`The input path ${JSON.stringify(path)} is there twice.`);
}

function rejected(message: string): BackendError {
  return new BackendError('Rejected', 'translate', message);
}
