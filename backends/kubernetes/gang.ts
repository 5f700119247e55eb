import type { V1Affinity, V1Container, V1Pod } from './native.ts';
import type { Resources } from '../../domain/resources.ts';
import { BackendError } from '../contract/error.ts';
import { labels } from './names.ts';
import type { KubernetesSettings } from './config.ts';

const indexKey = 'batch.kubernetes.io/job-completion-index';

/** Throws Unsupported where a job has one: the files of a job come and go through one launcher. */
export function nodesOf({ nodes = 1 }: Resources, { launcher }: KubernetesSettings): number {
  if (nodes === 1 || launcher === null) return nodes;
  const message =
    'Without a shared folder a job here has one node: its files come by one launcher.';
  throw new BackendError('Unsupported', 'translate', message);
}

/** How each program of a job knows which one it is, and where the first one is: by the name that its Service gives it. */
export function rankVariables(name: string, nodes: number): NonNullable<V1Container['env']> {
  if (nodes === 1) {
    return [
      { name: 'FATHOM_NODE_RANK', value: '0' },
      { name: 'FATHOM_NODES', value: '1' },
      { name: 'FATHOM_HEAD_ADDRESS', value: 'localhost' },
    ];
  }
  const fieldRef = { fieldPath: `metadata.annotations['${indexKey}']` };
  return [
    { name: 'FATHOM_NODE_RANK', valueFrom: { fieldRef } },
    { name: 'FATHOM_NODES', value: String(nodes) },
    { name: 'FATHOM_HEAD_ADDRESS', value: `${name}-0.${name}` },
  ];
}

/** Pods of one job away from each other. */
export function apart(name: string, nodes: number, settings: KubernetesSettings): V1Affinity {
  if (nodes === 1) return {};
  const term = {
    topologyKey: 'kubernetes.io/hostname',
    labelSelector: { matchLabels: { [labels.name]: name } },
  };
  if (settings.nodesApart === 'required') {
    return { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  }
  const preferred = [{ weight: 100, podAffinityTerm: term }];
  return { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } };
}

/** Which of a job's programs it runs; 0 for the only one. */
export function rankOf({ metadata }: V1Pod): number {
  return Number(metadata?.labels?.[indexKey] ?? metadata?.annotations?.[indexKey] ?? 0);
}
