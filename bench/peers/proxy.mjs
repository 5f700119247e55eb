// The least that a hop can cost: node:http to node:http, the body passed through as it comes.
import { Agent, createServer, request as send } from 'node:http';

const [target = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, noDelay: true });
const server = createServer((request, response) => {
  const { method, headers, url } = request;
  const onward = send(target, { agent, path: url, method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
