export interface Outcome {
  readonly passed: boolean;
  /** The command that mends a failure, printed on one line. */
  readonly mend: string;
  /** A few words for the table. */
  readonly note?: string;
}

export interface Step {
  readonly name: string;
  readonly run: () => Promise<Outcome>;
}

/**
 * Runs the steps named in `wanted`, or all, one after another whatever fails, and prints a table.
 * Returns the exit code: 0, 1 after a failure, 2 when a name is unknown.
 */
export async function runSteps(
  steps: readonly Step[],
  wanted: readonly string[],
  print: (line: string) => void,
): Promise<0 | 1 | 2> {
  const names = steps.map((step) => step.name);
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    print(`there is no step ${unknown.join(', ')}; steps: ${names.join(', ')}`);
    return 2;
  }
  const chosen = steps.filter((step) => wanted.length === 0 || wanted.includes(step.name));
  const rows: { readonly name: string; readonly outcome: Outcome; readonly seconds: string }[] = [];
  for (const { name, run } of chosen) {
    print(`\n── ${name}`);
    const start = performance.now();
    const outcome = await run().catch(broken(name));
    rows.push({ name, outcome, seconds: ((performance.now() - start) / 1000).toFixed(1) });
    if (!outcome.passed) print(`mend: ${outcome.mend}`);
  }
  print('');
  for (const { name, outcome, seconds } of rows) {
    const verdict = outcome.passed ? 'passed' : 'FAILED';
    const rest = outcome.passed ? (outcome.note ?? '') : `${outcome.note ?? ''}  ${outcome.mend}`;
    print(`${name.padEnd(8)} ${verdict} ${seconds.padStart(6)} s  ${rest.trim()}`.trimEnd());
  }
  return rows.some((row) => !row.outcome.passed) ? 1 : 0;
}

/** A step that throws has failed, and the others still run. */
function broken(name: string): (error: unknown) => Outcome {
  return (error) => ({
    passed: false,
    mend: `npm run check -- ${name}`,
    note: error instanceof Error ? error.message : String(error),
  });
}
