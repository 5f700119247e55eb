import type { Delivery } from '../contract/delivery.ts';
import type { V1Container, V1VolumeMount } from './native.ts';
import type { KubernetesSettings, LauncherSettings } from './config.ts';
import { fromSecret, literal, variables } from './program.ts';
import type { PodPlace } from './work-volumes.ts';
import { workFolder, wraps } from './work-volumes.ts';

/** The key of the token in the Secret of a workload; those of a workload's own secrets are numbered. */
export const tokenKey = 'delivery-token';

/** Node with its cache; what it streams it does not keep. */
const amounts = {
  requests: { cpu: '50m', memory: '128Mi' },
  limits: { cpu: '1', memory: '256Mi' },
} as const;

/**
 * The program starts when this ends. A launcher that was told to stop before it listens for that would hear of no end, and
 * bring nothing back.
 */
const untilThere =
  'const t=setInterval(()=>require("fs").existsSync(process.argv[1])&&clearInterval(t),20)';

/**
 * The containers that bring the files before the program starts, and return what it leaves while it runs and after its end:
 * a sidecar is ended after the program. Servers leave nothing.
 */
export function launcherContainers(
  settings: KubernetesSettings,
  place: PodPlace,
  delivery: Delivery | null,
  program: { readonly image: string; readonly volumeMounts: readonly V1VolumeMount[] },
): readonly V1Container[] {
  if (delivery === null || wraps(settings, place)) return [];
  const launcher = launcherOf(settings, place);
  if (launcher === null) return [];
  const isImage = 'image' in launcher;
  const marker = `${workFolder(settings, place)}/.fathom/return.json`;
  const command = isImage ? launcher.command : [launcher.node, launcher.path];
  const container = (name: 'fetch' | 'return'): V1Container => ({
    name,
    image: isImage ? launcher.image : program.image,
    ...(settings.imagePullPolicy === null ? {} : { imagePullPolicy: settings.imagePullPolicy }),
    ...(command.length === 0 ? {} : { command: command.map(literal) }),
    args: [name],
    workingDir: workFolder(settings, place),
    env: [
      ...variables({ FATHOM_WORK_FOLDER: workFolder(settings, place) }),
      ...deliveryVariables(place, delivery),
    ],
    resources: amounts,
    volumeMounts: [...program.volumeMounts],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  });
  if (place.kind === 'SERVICE') return [container('fetch')];
  const node = isImage ? (launcher.command[0] ?? 'node') : launcher.node;
  const lifecycle = { postStart: { exec: { command: [node, '-e', untilThere, marker] } } };
  return [container('fetch'), { ...container('return'), restartPolicy: 'Always', lifecycle }];
}

/** The command of the one container where the launcher is in the program's image, around the program of a job. */
export function wrapped(
  settings: KubernetesSettings,
  place: PodPlace,
  argv: readonly string[],
  limitSeconds: number,
): readonly string[] {
  const { launcher } = settings;
  if (launcher === null || !('path' in launcher) || place.kind === 'SERVICE') return argv;
  return aroundProgram([launcher.node, launcher.path], settings, argv, limitSeconds);
}

/** The launcher's command around a program of a job. */
export function aroundProgram(
  launcher: readonly string[],
  { stopGraceSeconds, returnGraceSeconds }: KubernetesSettings,
  argv: readonly string[],
  limitSeconds: number,
): readonly string[] {
  const limits = [
    ...['--time-limit', String(limitSeconds)],
    ...['--grace', String(stopGraceSeconds)],
    ...['--give-up', String(returnGraceSeconds)],
  ];
  return [...launcher, 'run', ...limits, '--', ...argv];
}

/**
 * How long the pod of a job may be active. A launcher around the program keeps its time, and has more for what comes after;
 * beside it, `observe.ts` tells an end in time from one at the limit.
 */
export function podSeconds(
  settings: KubernetesSettings,
  place: PodPlace,
  limitSeconds: number,
): number {
  if (!wraps(settings, place)) return limitSeconds;
  return limitSeconds + settings.stopGraceSeconds + settings.returnGraceSeconds;
}

/** Images that have DEEPaaS alone have no launcher of their own either. */
function launcherOf(
  { launcher, deepaas }: KubernetesSettings,
  { isStock }: PodPlace,
): LauncherSettings | null {
  if (launcher === null || isStock !== true || deepaas === null) return launcher;
  return { image: deepaas.image, command: deepaas.launcher };
}

/** In the place of a delivery whose address and token are not made yet, where there is to be one. */
export function unopened({ launcher }: KubernetesSettings): Delivery | null {
  return launcher === null ? null : { url: '***', token: '***' };
}

/** A program that is wrapped shares its container with the launcher, which takes the token out of its environment. */
export function deliveryVariables(
  { name }: PodPlace,
  { url }: Delivery,
): NonNullable<V1Container['env']> {
  return [
    ...variables({ FATHOM_DELIVERY_URL: url }),
    fromSecret('FATHOM_DELIVERY_TOKEN', name, tokenKey),
  ];
}
