import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import type {
  NativeAllocation,
  NativeEvaluation,
  NativeDeployment,
  NativeJob,
  NativeNode,
} from './native.ts';

/** What the modules of `nomad-client` ask of whoever sends their requests. */
export interface Transport {
  get(url: string, config?: TransportConfig): Promise<TransportAnswer>;
  post(url: string, data?: unknown, config?: TransportConfig): Promise<TransportAnswer>;
  put(url: string, data?: unknown, config?: TransportConfig): Promise<TransportAnswer>;
  patch(url: string, data?: unknown, config?: TransportConfig): Promise<TransportAnswer>;
  delete(url: string, config?: TransportConfig): Promise<TransportAnswer>;
}

export interface TransportConfig {
  readonly params?: Readonly<Record<string, string>>;
}

export interface TransportAnswer {
  readonly data: unknown;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Those of its methods that are used here, with types that say what Nomad really answers. */
export interface NomadLibrary {
  readonly NomadJobModule: new (transport: Transport) => {
    get(id: string): Promise<NativeJob>;
    stop(id: string, purge?: boolean): Promise<unknown>;
    allocations(id: string): Promise<readonly NativeAllocation[] | null>;
    evaluations(id: string): Promise<readonly NativeEvaluation[] | null>;
    deployments(id: string): Promise<readonly NativeDeployment[] | null>;
    scale(id: string, group: string, count: number): Promise<unknown>;
  };
  readonly NomadAllocationModule: new (transport: Transport) => {
    get(id: string): Promise<NativeAllocation>;
    restart(id: string, options: { readonly TaskName: string }): Promise<unknown>;
  };
  readonly NomadNodeModule: new (transport: Transport) => {
    list(options: { readonly resources: boolean }): Promise<{
      readonly data: readonly NativeNode[] | null;
    }>;
  };
}

let loaded: Promise<NomadLibrary> | null = null;

/**
 * The package ships TypeScript that neither Node nor our compiler settings take, and its own HTTP client loses the text of
 * errors: its modules alone are compiled in memory (25 KiB, some 30 ms), to be used with a transport of ours.
 */
export function nomadLibrary(): Promise<NomadLibrary> {
  loaded ??= load().catch((error: unknown) => {
    loaded = null;
    throw error;
  });
  return loaded;
}

async function load(): Promise<NomadLibrary> {
  const { build } = await import('esbuild');
  const manifest = createRequire(import.meta.url).resolve('nomad-client/package.json');
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: join(dirname(manifest), 'src'), loader: 'ts' },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  });
  const module = { exports: {} };
  compileFunction(outputFiles[0]?.text ?? '', ['module'])(module);
  return module.exports as NomadLibrary;
}

const entry = `
export { NomadJobModule } from './modules/job';
export { NomadAllocationModule } from './modules/allocations';
export { NomadNodeModule } from './modules/nodes';
`;
