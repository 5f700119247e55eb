import { access, constants, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError } from '../runtime/input-error.ts';

/** A module of the DEEPaaS V2 API in Python, and the environment that has what it needs. */
export interface PythonModule {
  /** Absolute. */
  readonly folder: string;
  /** The name of its entry point, which is its name in the routes of the API. */
  readonly model: string;
  /** The interpreter that has DEEPaaS and the module: an absolute path, or a name on the path. */
  readonly python: string;
}

/** The name of the model that a folder's packaging declares; null when the folder is no module in Python. */
export async function modelOf(folder: string): Promise<string | null> {
  for (const [file, declaration] of declarations) {
    const text = await readFile(join(folder, file), 'utf8').catch(() => '');
    const model = declaration.exec(text)?.[1];
    if (model !== undefined) return model;
  }
  return null;
}

/**
 * Looks for the environment: the one named, else `.venv` in the module's folder, else what is on the path. Throws
 * InputError when there is none.
 */
export async function findPythonModule(
  directory: string,
  model: string,
  named: string | null,
): Promise<PythonModule> {
  const folder = resolve(directory);
  const environment = named === null ? join(folder, '.venv') : resolve(named);
  if (await isProgram(join(environment, 'bin', 'deepaas-run'))) {
    return { folder, model, python: join(environment, 'bin', 'python') };
  }
  if (named === null && (await isOnPath('deepaas-run')))
    return { folder, model, python: 'python3' };
  throw new InputError(
    named === null
      ? `There is no Python environment for ${model}. Make one: cd ${folder} && python3 -m venv .venv && .venv/bin/pip install .`
      : `${named} has no bin/deepaas-run.`,
  );
}

/** One declaration each of pyproject.toml, setup.cfg and setup.py; the first entry point counts. */
const declarations: readonly (readonly [string, RegExp])[] = [
  [
    'pyproject.toml',
    /^\[project\.entry-points\.(?:"deepaas\.v2\.model"|'deepaas\.v2\.model')\]\s*(?:#.*\s+)*^["']?([\w.-]+)["']?\s*=/m,
  ],
  ['setup.cfg', /^deepaas\.v2\.model\s*=\s*\n\s+([\w.-]+)\s*=/m],
  ['setup.py', /["']deepaas\.v2\.model["']\s*:\s*\[\s*["']\s*([\w.-]+)\s*=/],
];

async function isOnPath(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  const there = await Promise.all(folders.map((folder) => isProgram(join(folder, program))));
  return there.includes(true);
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
