import { createHash } from 'node:crypto';

/** Of an action: what it was made for, and for people. */
export const annotations = {
  key: 'fathom-key',
  title: 'fathom-title',
  labels: 'fathom-labels',
} as const;

/** The same key gives the same name, for ever. */
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

/** Below the address of the platform. */
export function actionPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/actions/${name}`;
}

export function activationsPath(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/activations`;
}
