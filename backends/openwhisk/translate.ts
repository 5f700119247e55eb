import { BackendError } from '../contract/error.ts';
import type { Deliveries, Delivery } from '../contract/delivery.ts';
import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { InputFile, ServiceWorkload } from '../contract/workload.ts';
import { isInnerPath } from '../work-folder/inputs.ts';
import type { OpenWhiskSettings } from './config.ts';
import { actionPath, annotations, nativeName } from './names.ts';

export interface Parameter {
  readonly key: string;
  readonly value: string;
  /** To the container's environment at /init, and not to every call. */
  readonly init: true;
}

/** The body of the PUT. */
export interface ActionRequest {
  readonly exec: { readonly kind: 'blackbox'; readonly image: string };
  readonly limits: { readonly timeout: number; readonly memory: number; readonly logs: number };
  readonly parameters: readonly Parameter[];
  readonly annotations: readonly { readonly key: string; readonly value: unknown }[];
}

/** The platform takes parameters of up to 1 MiB. */
const longestParameters = 1024 * 1024 - 16 * 1024;

/** Pure. `delivery` is how the files reach the container, when `needsDelivery` says so. */
export function translate(
  workload: ServiceWorkload,
  settings: OpenWhiskSettings,
  key: string,
  delivery: Delivery | null,
): ActionRequest {
  const { resources, artifactFolder } = workload;
  const { gpus, nodes = 1, memoryMiB, timeLimitSeconds } = resources;
  if (gpus !== null) throw unsupported('OpenWhisk has no GPUs to offer.');
  if (nodes > 1) throw unsupported('A function runs on one node.');
  checkReplicas(workload.replicas);
  const image = imageOf(workload);
  checkFiles(workload);
  const parameters = parametersOf(workload, settings, delivery);
  if (artifactFolder !== null) {
    parameters.push({ key: 'FATHOM_ARTIFACT_FOLDER', value: artifactFolder, init: true });
  }
  const bytes = Buffer.byteLength(JSON.stringify(parameters));
  if (bytes > longestParameters) {
    const what = 'The environment and the text files';
    throw rejected(`${what} are ${bytes} bytes; OpenWhisk keeps ${longestParameters}.`);
  }
  const timeout = Math.round(Math.min(timeLimitSeconds, settings.callTimeoutSeconds) * 1000);
  return {
    exec: { kind: 'blackbox', image },
    limits: {
      timeout,
      memory: Math.max(settings.leastMemoryMiB, Math.ceil(memoryMiB)),
      logs: settings.logsMiB,
    },
    parameters,
    annotations: [
      { key: annotations.key, value: key },
      { key: annotations.title, value: workload.title.slice(0, 1000) },
      { key: annotations.labels, value: workload.labels },
    ],
  };
}

/** Text files go along with the action; what is longer is fetched by the container. */
export function needsDelivery({ inputs }: ServiceWorkload): boolean {
  return inputs.some(({ content }) => content.kind === 'BLOB');
}

/** Unsupported when containers would have nowhere to fetch the files from. */
export function assertDeliverable(workload: ServiceWorkload, deliveries: Deliveries | null): void {
  if (!needsDelivery(workload) || deliveries !== null) return;
  throw unsupported(
    'A function shares no folder with us, and this installation has no address where it could fetch files.',
  );
}

/** What would be PUT. Pure. */
export function planOf(
  wanted: Wanted,
  key: string,
  settings: OpenWhiskSettings,
  deliveries: Deliveries | null,
): readonly NativeRequest[] {
  if (wanted.kind === 'JOB') throw unsupported('OpenWhisk runs functions, and no jobs.');
  const { workload } = wanted;
  assertDeliverable(workload, deliveries);
  const delivery = needsDelivery(workload)
    ? { url: '(the address of this delivery)', token: '***' }
    : null;
  const request = translate(workload, settings, key, delivery);
  const parameters = request.parameters.map((one) =>
    Object.hasOwn(workload.secrets, one.key) ? { ...one, value: '***' } : one,
  );
  return [
    {
      title: `PUT ${actionPath(settings.namespace, nativeName(key))}`,
      mediaType: 'application/json',
      text: JSON.stringify({ ...request, parameters }, null, 2),
    },
  ];
}

function checkReplicas(replicas: number): void {
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > 1000) {
    throw rejected(`${replicas} is no number of containers.`);
  }
}

/** A tag is all that pins an image here: the platform drops digests, and keeps what it pulled under a name. */
function imageOf({ program }: ServiceWorkload): string {
  if (program.kind === 'MODULE' && program.module.source.kind === 'FOLDER') {
    throw unsupported('OpenWhisk runs images: this module is a folder, and has none.');
  }
  if (program.kind === 'COMMAND' && program.argv.length > 0) {
    throw unsupported('OpenWhisk starts an image as it is, and gives it no command.');
  }
  if (program.kind === 'MODULE' && program.operation !== 'serve') {
    throw unsupported('OpenWhisk runs functions, and no jobs.');
  }
  const given = program.kind === 'COMMAND' ? program.image : imageIn(program.module.source);
  if (given === null) throw unsupported('OpenWhisk runs images, and none is given.');
  const image = given.replace(/@.*$/, '');
  const tag = /:([\w][\w.-]*)$/.exec(image)?.[1];
  if (tag === undefined || tag === 'latest') {
    throw rejected(
      `The image ${JSON.stringify(given)} has no tag of its own: OpenWhisk ignores digests and may run any earlier image of that name, so each version needs its own tag.`,
    );
  }
  if (!/^([A-Za-z0-9.-]+(:\d+)?\/)?[a-z0-9._/-]+:[\w.-]+$/.test(image)) {
    throw rejected(`${JSON.stringify(given)} is no name of an image.`);
  }
  return image;
}

function imageIn(source: { readonly kind: string; readonly image?: string }): string | null {
  return source.image ?? null;
}

function parametersOf(
  { environment, secrets, inputs }: ServiceWorkload,
  settings: OpenWhiskSettings,
  delivery: Delivery | null,
): Parameter[] {
  const names = Object.keys(secrets);
  if (names.length > 0 && !settings.showSecrets) {
    throw unsupported(
      'OpenWhisk shows the parameters of an action to whoever may read it, so no secret is put there; the operator may allow it with showSecrets.',
    );
  }
  const variables = { ...environment, ...secrets };
  for (const [name, value] of Object.entries(variables)) {
    const isOurs = /^(__OW_|FATHOM_(FILES|ARTIFACT_FOLDER|DELIVERY_))/.test(name);
    if (isOurs) throw rejected(`The environment variable ${name} is the platform's own.`);
    if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
      throw rejected(`The environment variable "${name.replaceAll('\0', '')}" is malformed.`);
    }
  }
  if (delivery !== null) {
    return toParameters({
      ...variables,
      FATHOM_DELIVERY_URL: delivery.url,
      FATHOM_DELIVERY_TOKEN: delivery.token,
    });
  }
  const texts = textsOf(inputs);
  return toParameters({
    ...variables,
    ...(texts === null ? {} : { FATHOM_FILES: JSON.stringify(texts) }),
  });
}

function toParameters(variables: { readonly [name: string]: string }): Parameter[] {
  return Object.entries(variables).map(([key, value]) => ({ key, value, init: true }));
}

function textsOf(inputs: readonly InputFile[]): Record<string, string> | null {
  const texts = inputs.flatMap(({ path, content }) =>
    content.kind === 'TEXT' ? [[path, content.text] as const] : [],
  );
  return texts.length === 0 ? null : Object.fromEntries(texts);
}

function checkFiles({ inputs, artifactFolder }: ServiceWorkload): void {
  if (artifactFolder !== null && !isInnerPath(artifactFolder)) {
    throw rejected(`The artifact folder ${JSON.stringify(artifactFolder)} is not allowed.`);
  }
  for (const { path } of inputs) {
    if (!isInnerPath(path))
      throw rejected(`The input path ${JSON.stringify(path)} is not allowed.`);
    const rivals = inputs.filter((one) => one.path === path || one.path.startsWith(`${path}/`));
    if (rivals.length > 1) throw rejected(`The input path ${JSON.stringify(path)} is there twice.`);
  }
}

function rejected(message: string): BackendError {
  return new BackendError('Rejected', 'translate', message);
}

function unsupported(message: string): BackendError {
  return new BackendError('Unsupported', 'translate', message);
}
