import { fanout } from './fanout.ts';
import { federated } from './federated.ts';
import { list } from './list.ts';
import { predict } from './predict.ts';
import { present, type Result } from './result.ts';

/** `npm run bench -- NAME`: a table for people and, as the last line, one JSON object. Never part of the tests. */
const benches: Readonly<Record<string, () => Promise<Result>>> = {
  list,
  federated,
  predict,
  fanout,
};

const [name = ''] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  console.error(`use: npm run bench -- ${Object.keys(benches).join(' | ')}`);
  process.exit(2);
}
present(name, await bench());
process.exit(0);
