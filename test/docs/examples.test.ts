import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseSettings } from '../../backends/kubernetes/config.ts';
import { environmentNames, readConfig } from '../../server/config.ts';
import { roles } from '../../server/roles.ts';

const run = promisify(execFile);
const hasCompose = spawnSync('docker-compose', ['--version']).status === 0;
const examples = new URL('../../docs/examples/', import.meta.url);
const composeFile = new URL('compose/compose.yaml', examples).pathname;
const manifestFile = new URL('kubernetes/fathom.yaml', examples).pathname;

interface Service {
  readonly image?: string;
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: string | readonly string[] };
}

describe('the compose file', () => {
  const { services } = parse(readFileSync(composeFile, 'utf8'), { merge: true }) as {
    services: Readonly<Record<string, Service>>;
  };
  const ours = Object.values(services).filter(({ image }) => image === 'fathom:1');

  test('starts roles that there are, with variables that are read', () => {
    expect(ours.map(({ command = '' }) => command.split(' ')[0])).toEqual([
      'subgraph',
      'worker',
      'gateway',
    ]);
    for (const { command = '', environment = {} } of ours) {
      expect(roles).toHaveProperty(command.split(' ')[0] ?? '');
      expect(Object.keys(environment)).toEqual(known(Object.keys(environment)));
    }
  });

  test('asks after health by words only', () => {
    for (const { healthcheck } of Object.values(services)) {
      const words = [healthcheck?.test ?? []].flat();
      expect(words.map((word) => typeof word)).toEqual(words.map(() => 'string'));
    }
  });

  test.skipIf(!hasCompose)('is one to docker-compose', async () => {
    const env = { ...process.env, POSTGRES_PASSWORD: 'p', FATHOM_PASSWORD_HASH: 'h' };
    const asked = run('docker-compose', ['--file', composeFile, 'config', '--quiet'], { env });
    await expect(asked).resolves.toBeDefined();
  });
});

describe('the manifest for Kubernetes', () => {
  const documents = parseAllDocuments(readFileSync(manifestFile, 'utf8')).map(
    (document) => document.toJS() as Manifest,
  );
  const [deployment] = documents.filter(({ kind }) => kind === 'Deployment');
  const pod = deployment?.spec?.template.spec;

  test('starts roles that there are, with variables that are read', () => {
    expect(pod?.containers.map(({ args }) => args[0])).toEqual(['subgraph', 'worker', 'gateway']);
    for (const { args, env } of pod?.containers ?? []) {
      expect(roles).toHaveProperty(args[0] ?? '');
      const names = env.map(({ name }) => name);
      expect(names).toEqual(known(names));
    }
  });

  test('has settings that the server and its backend take', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-examples-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [settings] = documents.filter(({ kind }) => kind === 'ConfigMap');
    const path = join(folder, 'fathom.config.json');
    await writeFile(path, settings?.data?.['fathom.config.json'] ?? '');
    const { backends } = readConfig(dirname(manifestFile), { FATHOM_CONFIG: path });
    expect(backends.map(({ type }) => type)).toEqual(['kubernetes']);
    const { sharedFolder } = parseSettings(backends[0]?.settings);
    const claims = documents.filter(({ kind }) => kind === 'PersistentVolumeClaim');
    expect(claims.map(({ metadata }) => metadata.name)).toContain(
      sharedFolder?.persistentVolumeClaim,
    );
    const mounts = pod?.containers.flatMap(({ volumeMounts }) => volumeMounts) ?? [];
    expect(mounts.map(({ mountPath }) => mountPath)).toContain(sharedFolder?.path);
  });

  test('names nothing that it does not bring, but the two secrets', () => {
    const names = new Set(documents.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    for (const { persistentVolumeClaim: claim, configMap } of pod?.volumes ?? []) {
      expect(names).toContain(
        claim === undefined
          ? `ConfigMap ${configMap?.name}`
          : `PersistentVolumeClaim ${claim.claimName}`,
      );
    }
    expect(names).toContain(`ServiceAccount ${pod?.serviceAccountName}`);
  });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template: { readonly spec: Pod } };
}

interface Pod {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly env: readonly { readonly name: string }[];
    readonly volumeMounts: readonly { readonly mountPath: string }[];
  }[];
  readonly volumes: readonly {
    readonly persistentVolumeClaim?: { readonly claimName: string };
    readonly configMap?: { readonly name: string };
  }[];
}

/** Those of them that the server reads. */
function known(names: readonly string[]): readonly string[] {
  return names.filter((name) => environmentNames.includes(name));
}
