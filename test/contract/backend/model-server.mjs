// A small model server for the contract suite: says where it listens once it is ready, and
// misbehaves on request. LOAD=slow|hang|fail decides what happens before it is ready.
import { createServer } from 'node:http';

// Some backends say where to listen.
const { LOAD, SECRET, SHARED, PORT = '0' } = process.env;
const started = Date.now();

if (LOAD === 'fail') {
  console.error('the weights are not there');
  process.exit(4);
}
if (LOAD === 'hang') setInterval(() => {}, 1000);
else if (LOAD === 'slow') setTimeout(listen, 1000);
else listen();

function listen() {
  const server = createServer((request, response) => void serve(request, response));
  server.listen(Number(PORT), '127.0.0.1', () => {
    console.log('a line before');
    console.log(JSON.stringify({ type: 'listening', port: server.address().port, model: 'm' }));
  });
}

async function serve(request, response) {
  const url = new URL(request.url, 'http://server');
  const body = [];
  for await (const piece of request) body.push(piece);
  switch (url.pathname) {
    case '/echo':
      response.writeHead(200, {
        'content-type': 'application/octet-stream',
        'x-two': ['a', 'b'],
      });
      response.end(Buffer.concat(body));
      return;
    case '/about':
      answer(response, 200, {
        pid: process.pid,
        started,
        secret: SECRET ?? null,
        shared: SHARED,
      });
      return;
    case '/headers':
      answer(response, 200, { method: request.method, url: request.url, ...request.headers });
      return;
    case '/status':
      answer(response, Number(url.searchParams.get('code')), { asked: true });
      return;
    case '/hang':
      for (;;);
    case '/slow':
    case '/slow/predict/':
      setTimeout(() => answer(response, 200, {}), Number(url.searchParams.get('ms')));
      return;
    case '/print':
      console.log(url.searchParams.get('text'));
      answer(response, 200, {});
      return;
    case '/crash':
      process.exit(7);
    case '/crash/predict/':
      // Only the server that is meant dies; the others answer.
      if (url.searchParams.get('pid') === String(process.pid)) process.kill(process.pid, 'SIGKILL');
      answer(response, 200, { pid: process.pid });
      return;
    default:
      answer(response, 404, { path: url.pathname });
  }
}

function answer(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
