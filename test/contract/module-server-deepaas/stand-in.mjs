// Stands in for the Python of an environment: `PROGRAM model_facts.py NAME` and `PROGRAM guarded_server.py OPTION…`, with a
// DEEPaaS server whose training does what its argument `how` says.
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [program = '', ...argv] = process.argv.slice(2);
if (basename(program) === 'model_facts.py') {
  console.log('loaded\n{"trainable": true, "version": "3.2.1"}');
} else {
  serve(process.env['DEEPAAS_V2_MODEL'] ?? '', Number(option('listen-port')));
}

function option(name) {
  return argv[argv.indexOf(`--${name}`) + 1] ?? '';
}

function serve(model, port) {
  if (model === 'broken') {
    console.error('ModuleNotFoundError: No module named torch');
    process.exit(1);
  }
  const name = model === 'other' ? 'deepaas-test' : model;
  const uuid = '0123456789abcdef0123456789abcdef';
  let training = null;
  const routes = {
    'GET /v2/models/': () => ({ models: [{ id: name, name }] }),
    [`GET /v2/models/${name}/`]: () => ({ id: name, name, artifact: variable('ARTIFACT_FOLDER') }),
    'GET /swagger.json': () => ({ swagger: '2.0', paths: {} }),
    [`POST /v2/models/${name}/train/`]: (given) => {
      if (given.how === 'refuse') return [422, { how: ['Not a valid choice.'] }];
      training = { uuid, status: 'running', args: given };
      setTimeout(() => act(given.how), 50);
      return training;
    },
    [`GET /v2/models/${name}/train/${uuid}`]: () => training ?? [404, {}],
  };
  const act = (how) => {
    console.log(`{"type":"metrics","epoch":1,"step":1,"values":{"loss":1}}`);
    if (how === 'die') process.exit(9);
    if (how === 'forget') training = null;
    if (how === 'fail') training = { uuid, status: 'error', message: 'matrix is singular' };
    if (how === 'learn') writeFileSync(join(variable('MODEL_FOLDER'), 'weights'), 'w');
    if (how === 'learn' || how === 'nothing') {
      const output = { loss: 0.5, note: 'text', broken: null };
      training = { uuid, status: how === 'learn' ? 'done' : 'completed', result: { output } };
    }
  };
  const answerTo = async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const route = routes[`${request.method} ${request.url}`];
    const answer = route === undefined ? [404, {}] : route(body === '' ? {} : JSON.parse(body));
    const [status, value] = Array.isArray(answer) ? answer : [200, answer];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
  const server = createServer((request, response) => void answerTo(request, response));
  server.listen(port, '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
  process.stdin.on('end', () => process.exit(0)).resume();
}

function variable(name) {
  return process.env[`FATHOM_${name}`] ?? null;
}
