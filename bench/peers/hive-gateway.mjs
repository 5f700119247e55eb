// Hive Gateway over the subgraphs that the supergraph in the named file names; with `rust`, by its Rust planner.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';

const [file = '', planner] = process.argv.slice(2);
const supergraph = await readFile(file, 'utf8');
const gateway = createGatewayRuntime({
  supergraph,
  logging: false,
  ...(planner === 'rust' && {
    unifiedGraphHandler: (await import('@graphql-hive/router-runtime')).unifiedGraphHandler,
  }),
});
const server = createServer((request, response) => void gateway(request, response));
server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}/graphql`),
);
// Its own way to end waits for connections that nobody will use again.
process.once('SIGTERM', () => process.exit(0));
