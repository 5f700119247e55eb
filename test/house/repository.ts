import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SourceFile } from './budgets.ts';
import { rootFolders } from './layers.ts';

/** Text files git knows or would add; deleted and binary ones are left out. */
export async function repositoryFiles(root: string): Promise<readonly SourceFile[]> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const { stdout } = await promisify(execFile)('git', list, { cwd: root, maxBuffer: 1 << 26 });
  const paths = stdout.split('\0').filter((path) => path !== '');
  const files = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(join(root, path)).catch(() => undefined);
      return bytes === undefined || bytes.includes(0)
        ? []
        : [{ path, text: bytes.toString('utf8') }];
    }),
  );
  return files.flat();
}

/** Sentences about what a stranger's clone must not contain, or must. */
export function repositoryFindings(
  files: readonly SourceFile[],
  registry?: string,
): readonly string[] {
  const text = (path: string): string | undefined => files.find((file) => file.path === path)?.text;
  const findings = files.flatMap((file) => traces(file, registry));
  if (!(text('LICENSE') ?? '').includes('Apache License')) findings.push('LICENSE is not there');
  const readme = text('README.md')?.split('\n').length;
  if (readme === undefined) findings.push('README.md is not there');
  else if (readme > 121) findings.push(`README.md has ${readme - 1} lines, at most 120`);
  if (/"resolved": *"http/.test(text('package-lock.json') ?? '')) {
    findings.push('package-lock.json names a registry: npm config omit-lockfile-registry-resolved');
  }
  for (const folder of new Set(files.flatMap(({ path }) => topFolder(path)))) {
    if (!rootFolders.includes(folder)) findings.push(`${folder}/ is not a folder of the design`);
  }
  return findings;
}

// In two parts, so that this list is no trace itself.
const machinePaths = [
  ['/work', '/main'],
  ['/work', '/shared'],
  ['/work', '/.'],
  ['/tmp', '/brief'],
  ['/tmp', '/bash_jobs'],
  ['/root', '/'],
].map((parts) => parts.join(''));
const registries = [
  ['registry.npm', 'js.org'],
  ['registry.yarn', 'pkg.com'],
  ['npm', 'mirror'],
  ['pypi', '.org/simple'],
].map((parts) => parts.join(''));

function traces({ path, text }: SourceFile, registry: string | undefined): string[] {
  const host = registry === undefined ? undefined : URL.parse(registry)?.host;
  const words = [...machinePaths, ...registries, ...(host === undefined ? [] : [host])];
  return words.filter((word) => text.includes(word)).map((word) => `${path} contains "${word}"`);
}

/** Hidden folders (`.ci`) hold settings, not answers. */
function topFolder(path: string): readonly string[] {
  const [top, ...rest] = path.split('/');
  return top === undefined || rest.length === 0 || top.startsWith('.') ? [] : [top];
}
