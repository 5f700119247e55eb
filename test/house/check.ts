// `npm run check [-- STEP ...]`: every step runs, every failure names the command that mends it.
import { join, resolve } from 'node:path';
import { budgetFindings, budgets, budgetTable } from './budgets.ts';
import { derivedFindings, fingerprint } from './drift.ts';
import { repositoryFiles } from './repository.ts';
import { runSteps, type Step } from './steps.ts';
import { exitCode, lastLine, runTests } from './tests.ts';

const root = resolve(import.meta.dirname, '..', '..');

const steps: readonly Step[] = [
  tool('format', 'npm run format', 'prettier', '--check', '--log-level', 'warn', '.'),
  tool('lint', 'npm run lint -- --fix', 'oxlint', '--deny-warnings', '.'),
  // Erasable syntax only: enums, namespaces and parameter properties do not run as they are.
  tool('types', 'npm run typecheck', 'tsc', '--noEmit', '--erasableSyntaxOnly'),
  { name: 'tests', run: tests },
  { name: 'codegen', run: codegen },
  { name: 'budgets', run: sizes },
];

process.exitCode = await runSteps(steps, process.argv.slice(2), (line) => console.log(line));

function tool(name: string, mend: string, command: string, ...args: readonly string[]): Step {
  const program = join(root, 'node_modules', '.bin', command);
  return {
    name,
    run: async () => ({ passed: (await exitCode(program, args, root)) === 0, mend }),
  };
}

async function tests(): ReturnType<Step['run']> {
  const totals = await runTests(root, [], true);
  console.log(lastLine(totals));
  const mend = ['npm test --', ...totals.failedFiles].join(' ');
  return { passed: totals.failed === 0, mend, note: totals.complaint ?? lastLine(totals) };
}

/**
 * Compares the derived files before and after, so that derived files which are right but not yet
 * committed are no failure at home; in a fresh clone the two comparisons are the same.
 */
async function codegen(): ReturnType<Step['run']> {
  const before = await fingerprint(root);
  const code = await exitCode('npm', ['run', '--silent', 'codegen'], root);
  if (code !== 0) return { passed: false, mend: 'npm run codegen' };
  const findings = derivedFindings(before, await fingerprint(root));
  for (const finding of findings) console.log(finding);
  const mend = 'git add --all schema codegen docs (the files are up to date now)';
  return { passed: findings.length === 0, mend };
}

async function sizes(): ReturnType<Step['run']> {
  const files = await repositoryFiles(root);
  console.log(budgetTable(budgets(files)));
  const findings = budgetFindings(files);
  for (const finding of findings) console.log(finding);
  return { passed: findings.length === 0, mend: `git mv and split: ${findings[0] ?? ''}` };
}
