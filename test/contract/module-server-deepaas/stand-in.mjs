// Stands in for the Python of an environment: `PROGRAM model_facts.py NAME` and `PROGRAM guarded_server.py OPTION…`, and for a
// `deepaas-run` that knows nothing of us: `PROGRAM deepaas-run OPTION…`. Its training does what its argument `how` says.
import { createServer } from 'node:http';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [program = '', ...argv] = process.argv.slice(2);
if (basename(program) === 'model_facts.py') {
  console.log('loaded\n{"trainable": true, "version": "3.2.1"}');
} else {
  serve(process.env['DEEPAAS_V2_MODEL'] ?? 'stand_in', Number(option('listen-port')));
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
  const artifact = variable('ARTIFACT_FOLDER');
  const trainings = new Map();
  const routes = {
    'GET /v2/models/': () => ({ models: [{ id: name, name }] }),
    [`GET /v2/models/${name}/`]: () => ({ id: name, name, artifact }),
    'GET /swagger.json': () => ({ swagger: '2.0', paths: {} }),
    [`GET /v2/models/${name}/train/`]: () => [200, [...trainings.values()]],
    [`POST /v2/models/${name}/train/`]: (given) => {
      if (given.how === 'refuse') return [422, { how: ['Not a valid choice.'] }];
      const uuid = String(trainings.size + 1).padStart(32, '0');
      console.log(`asked for the training ${trainings.size + 1}`);
      trainings.set(uuid, { uuid, status: 'running', args: given });
      setTimeout(() => act(given.how, uuid), 50);
      return trainings.get(uuid);
    },
    [`POST /v2/models/${name}/predict/`]: () => ({
      status: 'OK',
      predictions: { labels: [readFileSync(join(artifact ?? '', 'weights'), 'utf8')] },
    }),
  };
  const act = (how, uuid) => {
    const training = trainings.get(uuid);
    if (training === undefined) return;
    const tell = (status, more) => trainings.set(uuid, { ...training, status, ...more });
    if (how === 'wait') {
      if (existsSync('go')) act('learn', uuid);
      else setTimeout(() => act(how, uuid), 50);
      return;
    }
    console.log(`{"type":"metrics","epoch":1,"step":1,"values":{"loss":1}}`);
    if (how === 'die') process.exit(9);
    if (how === 'grow') grow([]);
    if (how === 'forget') trainings.delete(uuid);
    if (how === 'fail') tell('error', { message: 'matrix is singular' });
    if (how === 'learn') writeFileSync(join(variable('MODEL_FOLDER'), 'weights'), 'learned');
    if (how === 'learn' || how === 'nothing') {
      const output = { loss: 0.5, note: 'text', broken: null };
      tell(how === 'learn' ? 'done' : 'completed', { result: { output } });
    }
  };
  const answerTo = async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method, url, headers } = request;
    const uuid = url.match(/\/train\/([0-9]+)$/)?.[1];
    let answer = routes[`${method} ${url}`]?.(body === '' ? {} : JSON.parse(body));
    if (uuid !== undefined) answer = trainings.get(uuid);
    // As the real one may: no answer, to anybody, and no ear for SIGTERM.
    if (method === 'DELETE' && answer?.args.how === 'fall silent')
      process.kill(process.pid, 'SIGSTOP');
    if (method === 'DELETE' && answer !== undefined) {
      console.log(`cancelled ${answer.uuid}`);
      trainings.delete(uuid);
      answer = [500, {}];
    }
    const [status, value] = Array.isArray(answer) ? answer : [answer ? 200 : 404, answer ?? {}];
    console.error(`INFO access: "${method} ${url}" ${status} "-" "${headers['user-agent']}"`);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
  const server = createServer((request, response) => void answerTo(request, response));
  server.listen(port, program === 'deepaas-run' ? option('listen-ip') : '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
  if (program !== 'deepaas-run') process.stdin.on('end', () => process.exit(0)).resume();
}

function grow(kept) {
  kept.push(Buffer.alloc(16 * 2 ** 20, 1));
  setTimeout(() => grow(kept), 5);
}

function variable(name) {
  return process.env[`FATHOM_${name}`] ?? null;
}
