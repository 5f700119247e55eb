// `npm test [-- PATH ...]`, `npm run test:all` and `npm run test:real -- NAME`. The last line is the count, for people and scripts.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLine, runTests } from './house/tests.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Suites against a real server: name → suite, which starts the server or says how to. */
const realServers = {
  compose: 'test/real/compose.suite.ts',
  containers: 'test/real/containers.suite.ts',
  deepaas: 'test/real/deepaas.suite.ts',
  kubernetes: 'test/real/kubernetes.suite.ts',
  nomad: 'test/real/nomad.suite.ts',
  openwhisk: 'test/real/openwhisk',
  postgres: 'test/real/postgres',
  redis: 'test/real/redis',
  slurm: 'test/real/slurm.suite.ts',
};

const [first, ...rest] = process.argv.slice(2);
if (first === '--real') process.exitCode = await real(rest);
else process.exitCode = await ordinary(process.argv.slice(2));

async function ordinary(args) {
  // Whoever has a database for something else keeps it.
  if (!process.env.FATHOM_REAL) delete process.env.DATABASE_URL;
  const totals = await runTests(
    root,
    args.filter((arg) => arg !== '--all'),
    args.length > 0,
  );
  if (totals.complaint !== undefined) console.log(totals.complaint);
  if (totals.failedFiles.length > 0)
    console.log(`again: npm test -- ${totals.failedFiles.join(' ')}`);
  console.log(lastLine(totals));
  return totals.failed > 0 ? 1 : 0;
}

async function real([name, ...args]) {
  const suite = realServers[name];
  if (suite !== undefined) {
    // The configuration of vitest takes these suites up only when asked.
    process.env.FATHOM_REAL = name;
    return ordinary([suite, ...args]);
  }
  console.error(name === undefined ? 'which real server?' : `there is no real server "${name}"`);
  console.error(`names: ${Object.keys(realServers).join(', ') || 'none yet'}`);
  return 2;
}
