// `npm test [-- PATH ...]` and `npm run test:real -- NAME`. The last line is the count, for people and scripts.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLine, runTests } from './house/tests.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Suites against a real server: name → test file and how the server is started or addressed. */
const realServers = {};

const [first, ...rest] = process.argv.slice(2);
if (first === '--real') real(rest);
else process.exitCode = await ordinary(process.argv.slice(2));

async function ordinary(args) {
  const totals = await runTests(root, args);
  if (totals.complaint !== undefined) console.log(totals.complaint);
  if (totals.failedFiles.length > 0)
    console.log(`again: npm test -- ${totals.failedFiles.join(' ')}`);
  console.log(lastLine(totals));
  return totals.failed > 0 ? 1 : 0;
}

function real([name]) {
  const names = Object.keys(realServers);
  console.error(name === undefined ? 'which real server?' : `there is no real server "${name}"`);
  console.error(`names: ${names.length === 0 ? 'none yet' : names.join(', ')}`);
  process.exitCode = 2;
}
