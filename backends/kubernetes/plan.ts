import type { NativeRequest, Wanted } from '../contract/native-request.ts';
import type { KubernetesSettings } from './config.ts';
import { unopened } from './launcher.ts';
import { nativeName } from './names.ts';
import { translateJob, translateService } from './translate.ts';

/** The manifests, in the order in which they are applied. Pure. */
export function planOf(
  wanted: Wanted,
  key: string,
  settings: KubernetesSettings,
): readonly NativeRequest[] {
  const place = { name: nativeName(key), key, delivery: unopened(settings) };
  const { belongings, ...main } =
    wanted.kind === 'JOB'
      ? translateJob(wanted.workload, settings, place)
      : translateService(wanted.workload, settings, place);
  return [...Object.values(belongings), ...Object.values(main)].flatMap((object: unknown) =>
    isManifest(object) ? [shown(object)] : [],
  );
}

interface Manifest {
  readonly kind: string;
}

function isManifest(value: unknown): value is Manifest {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

function shown(object: Manifest): NativeRequest {
  const { kind } = object;
  const hide = (name: string, value: unknown): unknown =>
    name === 'data' || name === 'stringData' ? masked(value) : value;
  const text = JSON.stringify(object, kind === 'Secret' ? hide : undefined, 2);
  return { title: kind, mediaType: 'application/json', text };
}

function masked(value: unknown): unknown {
  return Object.fromEntries(Object.keys(Object(value)).map((name) => [name, '***']));
}
