import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './process.ts';
import { present, type Result } from './result.ts';

/** `npm run bench -- NAME`: a table for people and, as the last line, one JSON object. Never part of the tests. */
const benches: Readonly<Record<string, () => Promise<Result>>> = {
  list: async () => (await import('./list.ts')).list(),
  federated: async () => (await import('./federated.ts')).federated(),
  predict: async () => (await import('./predict.ts')).predict(),
  dispatch: async () => (await import('./dispatch.ts')).dispatch(),
  drain: async () => (await import('./drain.ts')).drain(),
  fanout: async () => (await import('./fanout.ts')).fanout(),
  'fanout-gateways': async () => (await import('./fanout-gateways.ts')).fanoutGateways(),
  submit: async () => (await import('./submit.ts')).submit(),
  recover: async () => (await import('./recover.ts')).recover(),
  pages: async () => (await import('./pages.ts')).pages(),
  search: async () => (await import('./search.ts')).search(),
};

const [name = ''] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  console.error(`use: npm run bench -- ${Object.keys(benches).join(' | ')}`);
  process.exit(2);
}
// These are compared with the servers themselves.
if (
  !['dispatch', 'drain', 'fanout-gateways', 'submit', 'pages', 'recover', 'search'].includes(
    name,
  ) &&
  !existsSync(join(root, 'bench', 'node_modules'))
) {
  console.error(
    'The peers to compare with are not installed: npm install --prefix bench --ignore-scripts',
  );
  process.exit(2);
}
present(name, await bench());
process.exit(0);
