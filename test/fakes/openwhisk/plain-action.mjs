// An action container that is no module: it runs a JavaScript function that /init brings (`main`), or, without code,
// answers as the query of `__ow_path` says: status, text, error, chunked, json, exit, print, sleep (milliseconds), bytes and
// deaf (it answers, lives on and takes no further calls).
// It listens at the address and the port of its command line; without them at a free port of loopback.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import vm from 'node:vm';

const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';
const [host = '127.0.0.1', port = '0'] = process.argv.slice(2);
let main = null;
let isInitialized = false;

async function take(request, response) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  const { value = {} } = JSON.parse(text === '' ? '{}' : text);
  if (request.url === '/init') init(value, response);
  else await run(value, response);
}

const server = createServer((request, response) => void take(request, response));
server.listen(Number(port), host, () => {
  console.log(JSON.stringify({ type: 'listening', port: server.address().port }));
});

function init({ code, main: name = 'main', env = {} }, response) {
  if (isInitialized) {
    return answer(response, 403, { error: 'Cannot initialize the action more than once.' });
  }
  Object.assign(process.env, env);
  if (env.INIT_STATUS !== undefined) {
    endLog();
    return answer(response, Number(env.INIT_STATUS), { error: 'told to fail' });
  }
  try {
    if (code) {
      const context = vm.createContext({ console, process, exports: {}, setTimeout });
      vm.runInContext(code, context);
      main = context[name] ?? context.exports[name];
    }
    isInitialized = true;
    answer(response, 200, { ok: true });
  } catch (error) {
    endLog();
    answer(response, 502, { error: `Initialization has failed due to: ${String(error)}` });
  }
}

async function run(value, response) {
  try {
    if (main) return answer(response, 200, (await main(value)) ?? {});
    const query = new URLSearchParams(String(value['__ow_path'] ?? '').split('?')[1]);
    if (query.has('exit')) process.exit(Number(query.get('exit')));
    if (query.has('print')) console.log(query.get('print'));
    if (query.has('sleep')) await sleep(Number(query.get('sleep')));
    const status = Number(query.get('status') ?? 200);
    if (query.has('error')) return answer(response, status, { error: query.get('error') });
    if (query.has('json')) return answer(response, status, JSON.parse(query.get('json')));
    if (query.has('chunked')) {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.write('{');
      return response.end('}');
    }
    if (query.has('text')) return send(response, status, query.get('text'));
    const body = 'x'.repeat(Number(query.get('bytes') ?? 0));
    if (query.has('deaf')) {
      server.close();
      setInterval(() => undefined, 60_000);
    }
    answer(response, status, { statusCode: 200, headers: {}, body });
  } catch (error) {
    answer(response, 502, { error: `An error has occurred: ${String(error)}` });
  } finally {
    endLog();
  }
}

function endLog() {
  process.stdout.write(`${sentinel}\n`);
  process.stderr.write(`${sentinel}\n`);
}

function answer(response, status, value) {
  send(response, status, JSON.stringify(value));
}

function send(response, status, text) {
  const length = Buffer.byteLength(text);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length });
  response.end(text);
}
