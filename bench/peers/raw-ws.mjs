// The floor of a fan-out: the frame of an event is built once and written to every socket. It knows nothing of GraphQL.
import { createServer } from 'node:http';
import { Sender, WebSocketServer } from 'ws';
import { ticks } from './ticks.mjs';

const [everyMs = '1000'] = process.argv.slice(2);
const readers = new Set();
const past = ticks(Number(everyMs), (event) => {
  const frame = frameOf(event);
  for (const socket of readers) socket.write(frame);
});

function frameOf(event) {
  const text = JSON.stringify({
    id: '1',
    type: 'next',
    payload: { data: { trainingRunEvents: event } },
  });
  const options = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: false };
  return Buffer.concat(Sender.frame(Buffer.from(text), options));
}

const server = createServer();
const sockets = new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false });
sockets.on('connection', (connection, { socket }) => {
  connection.on('message', (data) => {
    const { type } = JSON.parse(data);
    if (type === 'connection_init') connection.send('{"type":"connection_ack"}');
    if (type !== 'subscribe') return;
    for (const event of past) socket.write(frameOf(event));
    readers.add(socket);
  });
  connection.on('close', () => readers.delete(socket));
});
server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}/graphql`),
);
