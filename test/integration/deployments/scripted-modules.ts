import { defaultResources } from '../../../domain/resources.ts';

/** The "runtime" of these modules runs the folder's own `serve.mjs`. */
export const runtime = `
const [, , operation, ...rest] = process.argv;
const folder = rest[rest.indexOf('--module') + 1];
const at = rest.indexOf('--artifact');
process.env.MODULE_FOLDER = folder;
if (at >= 0) process.env.ARTIFACT = rest[at + 1];
await import('file://' + folder + '/' + operation + '.mjs');
`;

/** What the scripts build on: the DEEPaaS routes that the platform asks for. */
export const helpers = `
import { appendFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
const folder = process.env.MODULE_FOLDER;
const artifact = process.env.ARTIFACT ?? null;
/** Appends to a hidden file of the module's folder, which is no code: a test sees what happened in the process. */
const note = (name, text) => appendFileSync(join(folder, '.' + name), text + '\\n');
const noted = (name) => existsSync(join(folder, '.' + name)) ? readFileSync(join(folder, '.' + name), 'utf8') : '';
const unprocessable = (errors) => Object.assign(new Error('422'), { errors });
async function serve({ name = 'scripted', sample, load = () => {}, predict = (a) => ({ label: 'yes', ...a }) }) {
  await load();
  const server = createServer(async (request, response) => {
    const answer = (status, value, type = 'application/json') => {
      response.writeHead(status, { 'content-type': type });
      response.end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    if (request.method === 'GET') return answer(200, { models: [{ id: name, name, sample }] });
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const type = request.headers['content-type'];
    try {
      const values = type.startsWith('application/json')
        ? JSON.parse(body)
        : await formValues(body, type);
      const result = await predict(values, { answer, response, request });
      if (!response.writableEnded) answer(200, { status: 'OK', predictions: result });
    } catch (error) {
      if (error.errors) answer(422, error.errors);
      else answer(500, '500: ' + error.message, 'text/plain');
    }
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ type: 'listening', port: server.address().port, model: name }));
  });
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
}
async function formValues(body, type) {
  const form = await new Response(body, { headers: { 'content-type': type } }).formData();
  const values = {};
  for (const [key, value] of form) {
    values[key] = typeof value === 'string' ? value
      : { name: value.name, type: value.type, text: Buffer.from(await value.arrayBuffer()).toString('latin1') };
  }
  return values;
}
`;

export const anyModule = {
  version: 1,
  owner: 'system',
  visibility: 'PUBLIC',
  title: 'A script',
  summary: '',
  description: '',
  licence: null,
  tags: [],
  tasks: [],
  categories: [],
  libraries: [],
  dataTypes: [],
  links: [],
  doi: null,
  metadataFormat: 'AI4OS_V2',
  metadataVersion: null,
  metadata: {},
  findings: [],
  trainable: true,
} as const;

export const anyVersion = {
  version: 1,
  name: '1.0.0',
  document: { swagger: '2.0', paths: { '/v2/models/scripted/predict/': { post: {} } } },
  trainSchema: null,
  predictSchema: { type: 'object' },
  sample: { arguments: { probe: 1 }, expect: { label: 'yes' } },
  pretrained: true,
  resources: {
    training: defaultResources,
    inference: { ...defaultResources, cpus: 0.1, memoryMiB: 256 },
  },
} as const;
