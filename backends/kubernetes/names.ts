import { createHash } from 'node:crypto';

export const labels = {
  managed: 'app.kubernetes.io/managed-by',
  name: 'fathom/name',
  kind: 'fathom/kind',
} as const;

export const annotations = {
  key: 'fathom/key',
  title: 'fathom/title',
  labels: 'fathom/labels',
  /** JSON `{ at, startedAt }`, written by cancel in one step with the order to stop. */
  cancelled: 'fathom/cancelled',
} as const;

export const manager = 'fathom';

/** The same key gives the same name, for ever. Short enough for the names of pods, and a name of a Service too. */
export function nativeName(key: string): string {
  const readable = key
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase()
    .slice(0, 24)
    .replaceAll(/^-+|-+$/g, '');
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return readable === '' ? `fathom-${digest}` : `fathom-${readable}-${digest}`;
}

export function isNativeName(name: unknown): name is string {
  return typeof name === 'string' && /^fathom-[a-z0-9-]{1,50}$/.test(name);
}

export const paths = {
  jobs: (namespace: string) => `/apis/batch/v1/namespaces/${namespace}/jobs`,
  deployments: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  pods: (namespace: string) => `/api/v1/namespaces/${namespace}/pods`,
  events: (namespace: string) => `/api/v1/namespaces/${namespace}/events`,
  secrets: (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`,
  configMaps: (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`,
  services: (namespace: string) => `/api/v1/namespaces/${namespace}/services`,
  workloads: (namespace: string, version: 'v1beta1' | 'v1beta2') =>
    `/apis/kueue.x-k8s.io/${version}/namespaces/${namespace}/workloads`,
} as const;
