// graphql-ws over ws as its documentation shows it: every subscriber's event is executed and serialised for it alone.
import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { ticks, typeDefs } from './ticks.mjs';

const [everyMs = '1000'] = process.argv.slice(2);
let wake = Promise.withResolvers();
const past = ticks(Number(everyMs), () => {
  wake.resolve();
  wake = Promise.withResolvers();
});

async function* trainingRunEvents({ after = 0 }) {
  for (let at = after; ; at += 1) {
    while (past[at] === undefined) await wake.promise;
    yield { trainingRunEvents: past[at] };
  }
}

const server = createServer();
useServer(
  { schema: buildSchema(typeDefs), roots: { subscription: { trainingRunEvents } } },
  new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false }),
);
server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}/graphql`),
);
