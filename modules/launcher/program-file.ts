import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What `--program FILE` holds, as JSON. */
export interface ProgramFile {
  readonly argv: readonly string[];
  /** Beside the launcher's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Stands for the work folder wherever it occurs in the others. */
  readonly workFolder: string;
}

/** Reads the file and deletes it: it may hold secrets. Throws when it is not there or says no program. */
export function takeProgram(work: string, name: string): Pick<ProgramFile, 'argv' | 'environment'> {
  const path = join(work, name);
  const text = readFileSync(path, 'utf8');
  rmSync(path);
  const { argv, environment, workFolder } = JSON.parse(text) as ProgramFile;
  const here = (value: string): string =>
    workFolder === '' ? value : value.replaceAll(workFolder, () => work);
  if (argv.length === 0) throw new Error(`${name} names no program`);
  return {
    argv: argv.map(here),
    environment: Object.fromEntries(
      Object.entries(environment).map(([variable, value]) => [variable, here(value)]),
    ),
  };
}
