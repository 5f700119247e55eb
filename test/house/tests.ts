import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** What vitest's JSON reporter writes, as far as it is read here. */
export interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Files with a failure, relative to the root. */
  readonly failedFiles: readonly string[];
  /** Why the run failed although no test did. */
  readonly complaint?: string;
}

/**
 * Runs vitest with `args` (paths, `-t name`, …), its output on ours, and counts. The exhaustive suites run when asked for
 * (`everything`), or when something is named.
 */
export async function runTests(
  root: string,
  args: readonly string[],
  everything = args.length > 0,
): Promise<Totals> {
  if (everything) process.env['FATHOM_TESTS'] = 'all';
  const folder = await mkdtemp(join(tmpdir(), 'fathom-tests-'));
  const file = join(folder, 'report.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await exitCode(process.execPath, [vitest, 'run', ...reporters, ...args], root);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return totals(text === undefined ? undefined : (JSON.parse(text) as Report), code, root);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A file that could not be loaded counts as one failure, and so does a run that ended badly without a
 * failed test, or that ran none: the last line must never read as a success when the run was none.
 */
export function totals(report: Report | undefined, code: number, root: string): Totals {
  if (report === undefined) {
    const complaint = `vitest ended with code ${code} and wrote no report`;
    return { passed: 0, failed: 1, skipped: 0, failedFiles: [], complaint };
  }
  const broken = report.testResults.filter((file) => file.status === 'failed');
  const unloaded = broken.filter((file) => file.assertionResults.length === 0);
  const counted = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
    failedFiles: broken.map((file) => relative(root, file.name)),
  };
  if (counted.failed > 0) return counted;
  if (code !== 0) {
    const complaint = `no test failed, but vitest ended with code ${code}: see above`;
    return { ...counted, failed: 1, complaint };
  }
  if (counted.passed === 0) return { ...counted, failed: 1, complaint: 'no test ran' };
  return counted;
}

/** The last line of a test run: `12 passed, 0 failed`, and `, 1 skipped` when there are any. */
export function lastLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Runs a program on our own streams; a signal we receive is passed on. */
export async function exitCode(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<number> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, forward);
  }
}
