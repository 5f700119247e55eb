import { basename, extname } from 'node:path';

export interface SourceFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Budget {
  readonly folder: string;
  readonly files: number;
  readonly median: number;
  readonly p90: number;
  readonly longest: number;
  readonly longestFile: string;
}

export const maxLines = 500;

const refusedNames = ['utils', 'common', 'helpers', 'lib', 'core', 'misc', 'types'];
const code = /\.(ts|tsx|mts|js|mjs|cjs|css)$/;
const generated = /^(schema\/snapshots|codegen\/client\/generated)\//;

/** Lines per file by top folder, generated files left out. */
export function budgets(files: readonly SourceFile[]): readonly Budget[] {
  const byFolder = Map.groupBy(written(files), (file) => file.path.split('/')[0] ?? '');
  return [...byFolder.entries()]
    .map(([folder, members]) => budgetOf(folder, members))
    .toSorted((a, b) => a.folder.localeCompare(b.folder));
}

/** Sentences about files that are too long and about names that say nothing; empty when all is well. */
export function budgetFindings(files: readonly SourceFile[]): readonly string[] {
  const long = written(files)
    .filter((file) => lines(file) > maxLines)
    .map((file) => `${file.path} has ${lines(file)} lines, at most ${maxLines}: split it by noun`);
  const vague = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/');
    parts.forEach((part, index) => {
      const isFile = index === parts.length - 1;
      if (isFile && !code.test(part)) return;
      const name = isFile ? basename(part, extname(part)) : part;
      if (refusedNames.includes(name)) vague.add(parts.slice(0, index + 1).join('/'));
    });
  }
  return [...long, ...[...vague].map((path) => `${path}: name it for what it holds`)];
}

export function budgetTable(rows: readonly Budget[]): string {
  const header = ['folder', 'files', 'median', 'p90', 'longest', ''];
  const cells = rows.map((row) => [
    row.folder,
    String(row.files),
    String(row.median),
    String(row.p90),
    String(row.longest),
    row.longestFile,
  ]);
  return [header, ...cells]
    .map(([folder = '', files = '', median = '', p90 = '', longest = '', file = '']) =>
      [
        folder.padEnd(12),
        files.padStart(5),
        median.padStart(7),
        p90.padStart(5),
        longest.padStart(8),
        ` ${file}`,
      ]
        .join(' ')
        .trimEnd(),
    )
    .join('\n');
}

function budgetOf(folder: string, files: readonly SourceFile[]): Budget {
  const sorted = files.toSorted((a, b) => lines(a) - lines(b));
  const at = (share: number): SourceFile | undefined =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const count = (file: SourceFile | undefined): number => (file === undefined ? 0 : lines(file));
  const last = sorted.at(-1);
  return {
    folder,
    files: files.length,
    median: count(at(0.5)),
    p90: count(at(0.9)),
    longest: count(last),
    longestFile: last?.path ?? '',
  };
}

function written(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.filter(({ path }) => path.includes('/') && code.test(path) && !generated.test(path));
}

function lines({ text }: SourceFile): number {
  return text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
