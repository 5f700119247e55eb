import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** A private Python environment with the real DEEPaaS, and a catalogue with our module in Python in it. */
export class PythonEnvironment {
  readonly folder: string;
  /** Of the packages that matter, for the report. */
  readonly versions: string;

  readonly #isGiven: boolean;

  private constructor(folder: string, versions: string, isGiven = false) {
    this.folder = folder;
    this.versions = versions;
    this.#isGiven = isGiven;
  }

  /**
   * Takes a minute at first and seconds later, when pip has the packages; FATHOM_PYTHON_ROOT is a folder that was made here
   * before and is kept. Rejects with a sentence for a person.
   */
  static async create(): Promise<PythonEnvironment> {
    const given = process.env['FATHOM_PYTHON_ROOT'];
    if (given !== undefined) return PythonEnvironment.#of(given, true);
    // Slurm's jobs have to reach it.
    const folder = await mkdtemp(join(tmpdir(), 'fathom-python-'));
    try {
      const environment = join(folder, 'environment');
      await run('python3', ['-m', 'venv', environment]).catch((error: unknown) => {
        const help = 'On Debian: apt-get install -y python3-venv';
        throw new Error(`No Python environment could be made. ${help}`, { cause: error });
      });
      await cp(join(root, 'modules/python/iris-sklearn'), join(folder, 'modules/iris-sklearn'), {
        recursive: true,
        filter: (path) => !path.endsWith('/.venv'),
      });
      const demo = join(folder, 'contract-demo');
      await cp(join(root, 'test/contract/module-server-deepaas'), demo, { recursive: true });
      const pip = join(environment, 'bin/pip');
      await run(pip, ['install', '--quiet', demo, join(folder, 'modules/iris-sklearn')]);
      await symlink(environment, join(folder, 'modules/iris-sklearn/.venv'));
      return await PythonEnvironment.#of(folder, false);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static async #of(folder: string, isGiven: boolean): Promise<PythonEnvironment> {
    const pip = join(folder, 'environment/bin/pip');
    const { stdout } = await run(pip, ['list', '--format=freeze']);
    const versions = stdout.match(/^(deepaas|scikit-learn|webargs|aiohttp)==.*$/gm) ?? [];
    return new PythonEnvironment(folder, versions.join(', '), isGiven);
  }

  get deepaasRun(): string {
    return join(this.folder, 'environment/bin/deepaas-run');
  }

  /** A folder of modules, as FATHOM_MODULES takes it. */
  get catalogue(): string {
    return join(this.folder, 'modules');
  }

  get module(): string {
    return join(this.catalogue, 'iris-sklearn');
  }

  async remove(): Promise<void> {
    if (!this.#isGiven) await rm(this.folder, { recursive: true, force: true });
  }
}
