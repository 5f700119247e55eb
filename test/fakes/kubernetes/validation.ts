import type { V1Container, V1PodSpec } from '../../../backends/kubernetes/native.ts';

/** The sentence of a 422, for mistakes that a real server would refuse; null when it takes the object. */
export function invalidity(plural: string, object: Record<string, unknown>): string | null {
  const { name = '', labels = {} } = (object['metadata'] ?? {}) as {
    name?: string;
    labels?: Record<string, string>;
  };
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    return `metadata.name: Invalid value: ${JSON.stringify(name)}: a lowercase RFC 1123 label must consist of ...`;
  }
  for (const [key, value] of Object.entries(labels)) {
    if (!/^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/.test(value)) {
      return `metadata.labels: Invalid value: ${JSON.stringify(value)} of ${key}`;
    }
  }
  if (plural !== 'jobs' && plural !== 'deployments') return null;
  const { template, podFailurePolicy } = (object['spec'] ?? {}) as {
    template?: { spec?: V1PodSpec };
    podFailurePolicy?: unknown;
  };
  const spec = template?.spec;
  if (plural === 'jobs' && spec?.restartPolicy !== 'Never' && podFailurePolicy !== undefined) {
    return 'spec.template.spec.restartPolicy: only "Never" is supported with a podFailurePolicy';
  }
  const [main] = spec?.containers ?? [];
  if (main === undefined) return 'spec.template.spec.containers: Required value';
  return containerInvalidity(main, spec?.volumes ?? []);
}

function containerInvalidity(
  { image, resources, env, volumeMounts }: V1Container,
  volumes: NonNullable<V1PodSpec['volumes']>,
): string | null {
  if (image === undefined || image === '') return 'containers[0].image: Required value';
  for (const [resource, amount] of Object.entries(resources?.limits ?? {})) {
    if (!/^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/.test(amount)) {
      return `quantities must match the regular expression: ${amount}`;
    }
    if (resource.includes('/') && !/^\d+$/.test(amount)) return `${resource}: must be an integer`;
    const requested = resources?.requests?.[resource];
    if (resource.includes('/') && requested !== undefined && requested !== amount) {
      return `${resource}: must be equal to the limit`;
    }
  }
  for (const { name } of env ?? []) {
    if (name === '' || name.includes('=')) return `env.name: Invalid value: ${name}`;
  }
  for (const { name, mountPath, subPath } of volumeMounts ?? []) {
    if (!volumes.some((volume) => volume.name === name)) return `volumeMounts: ${name} not found`;
    if (mountPath.includes(':')) return 'volumeMounts.mountPath: must not contain ":"';
    if (subPath?.split('/').includes('..') === true) return 'volumeMounts.subPath: no ".."';
  }
  return null;
}
