import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import type { FakeCluster, FakeJob } from './cluster.ts';
import type { Body, Refusal, RestShapes } from './rest-shapes.ts';

/** A small slurmrestd with one version loaded, over a FakeCluster. Faults are planted in the cluster. */
export class FakeSlurmrestd {
  readonly key = Buffer.from('a key of the fake cluster, shared with us');
  /** `METHOD path`, in the order in which they came. */
  readonly requests: string[] = [];
  readonly #cluster: FakeCluster;
  readonly #shapes: RestShapes;
  readonly #server = createServer((request, response) => {
    void this.#serve(request, response).catch(() => response.destroy());
  });

  constructor(cluster: FakeCluster, shapes: RestShapes) {
    this.#cluster = cluster;
    this.#shapes = shapes;
  }

  /** A port, or a path of a socket; gives the URL. */
  async listen(socket: string | null = null): Promise<string> {
    await new Promise<void>((resolve) => {
      if (socket === null) this.#server.listen(0, '127.0.0.1', resolve);
      else this.#server.listen(socket, resolve);
    });
    if (socket !== null) return `unix:${socket}`;
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const body = await text(request);
    this.requests.push(`${method} ${url}`);
    const [, family = '', version = '', ...path] = url.split('/');
    const isLoaded =
      family === 'slurm' || (family === 'slurmdb' && this.#cluster.history() !== null);
    if (!isLoaded || version !== this.#shapes.version) {
      return plain(
        response,
        404,
        'Unable find requested URL. Please view /openapi/v3 for API reference.',
      );
    }
    if (request.headers['x-slurm-user-token'] === undefined) {
      return plain(response, 401, 'Authentication failure');
    }
    const operation = family === 'slurmdb' ? 'history' : operationOf(method, path);
    const fault = this.#cluster.takeFault(operation);
    if (fault === 'partition') return void response.destroy();
    if (fault === 'html') {
      response.setHeader('content-type', 'text/html');
      return plain(response, 502, '<html><body><h1>Bad Gateway</h1></body></html>');
    }
    if (fault === 'rate-limited') {
      response.setHeader('retry-after', '7');
      return plain(response, 429, 'Too Many Requests');
    }
    if (fault === 'slow') await sleep(400);
    if (fault === 'down') {
      const errors = [{ error_number: -1, error: 'Unable to contact slurm controller' }];
      return this.#refuse(response, { status: 500, errors });
    }
    if (fault === 'no-database') return this.#refuse(response, this.#shapes.noDatabase);
    if (!this.#isGood(request.headers['x-slurm-user-token'])) {
      return this.#refuse(response, this.#shapes.badToken(operation));
    }
    const answer = this.#answer(operation, path, body);
    if (fault === 'reply-lost') return void response.destroy();
    if ('status' in answer) return this.#refuse(response, answer);
    const warnings = fault === 'field-ignored' ? [fieldIgnored] : [];
    json(response, 200, { meta: this.#shapes.meta, errors: [], ...answer.body, warnings });
  }

  #answer(operation: string, path: readonly string[], body: string): Refusal | { body: object } {
    const cluster = this.#cluster;
    const shapes = this.#shapes;
    const key = path[1] ?? '';
    const isIt = (job: FakeJob): boolean => job.key === key || String(job.arrayId) === key;
    switch (operation) {
      case 'ping':
        return { body: shapes.ping };
      case 'submit': {
        const submission = shapes.parseSubmit(JSON.parse(body) as Body);
        if ('status' in submission) return submission;
        return { body: shapes.submitted(cluster.submit(submission)) };
      }
      case 'jobs':
        return { body: { jobs: listed(cluster.list(), shapes) } };
      case 'job': {
        // Of an element nothing is known by its own name, only by its array's.
        if (key.includes('_')) return elementRefused;
        const jobs = cluster.list().filter(isIt);
        if (jobs.length === 0) return shapes.unknownJob;
        return { body: { jobs: listed(jobs, shapes) } };
      }
      case 'history': {
        const jobs = (cluster.history() ?? []).filter(isIt);
        const errors = jobs.length > 0 ? [] : shapes.nothingFound;
        return { body: { jobs: accounted(jobs, shapes), errors } };
      }
      case 'cancel':
        return cluster.cancel(key) ? { body: {} } : shapes.unknownJob;
      case 'nodes': {
        const running = cluster.list().filter(({ state }) => state === 'RUNNING').length;
        return { body: { nodes: [shapes.node(running)] } };
      }
      case 'diag': {
        const pending = cluster.list().filter(({ state }) => state === 'PENDING').length;
        return { body: { statistics: { jobs_pending: pending } } };
      }
      default:
        return { status: 405, errors: [] };
    }
  }

  #refuse(response: ServerResponse, refusal: Refusal): void {
    json(response, refusal.status, { meta: this.#shapes.meta, errors: refusal.errors });
  }

  #isGood(token: string | string[] | undefined): boolean {
    const [head = '', claims = '', signature] = String(token).split('.');
    const expected = createHmac('sha256', this.key).update(`${head}.${claims}`).digest('base64url');
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp: number };
    return signature === expected && exp * 1000 > Date.now();
  }
}

/** What waits of an array is one job. */
function listed(jobs: readonly FakeJob[], shapes: RestShapes): readonly object[] {
  const waits = (job: FakeJob): boolean => job.arrayId !== null && job.state === 'PENDING';
  const rests = Map.groupBy(jobs.filter(waits), ({ arrayId }) => arrayId);
  return [
    ...jobs.filter((job) => !waits(job)).map((job) => shapes.job(job, null)),
    ...[...rests.values()].flatMap((rest) => {
      const [first] = rest;
      return first === undefined ? [] : [shapes.job(first, taskList(rest))];
    }),
  ];
}

/** Elements that were never split off are one record. */
function accounted(jobs: readonly FakeJob[], shapes: RestShapes): readonly object[] {
  const waits = ({ arrayId, start }: FakeJob): boolean => arrayId !== null && start === 0;
  const rests = Map.groupBy(jobs.filter(waits), ({ arrayId }) => arrayId);
  return [
    ...jobs.filter((job) => !waits(job)).map((job) => shapes.accounted(job, null)),
    ...[...rests.values()].flatMap((rest) => {
      const [first] = rest;
      if (first === undefined) return [];
      const bits = rest.reduce((sum, { task }) => sum + 2 ** (task ?? 0), 0);
      return [shapes.accounted(first, `0x${bits.toString(16).toUpperCase()}`)];
    }),
  ];
}

/** As slurmrestd tells it: long lists are cut. */
function taskList(jobs: readonly FakeJob[]): string {
  const limit = /%\d+$/.exec(jobs[0]?.array ?? '')?.[0] ?? '';
  const list = jobs.map(({ task }) => task).join(',');
  if (list.length <= 60) return list + limit;
  return `${list.slice(0, list.lastIndexOf(',', 60))}...${limit}`;
}

const elementRefused: Refusal = {
  status: 500,
  errors: [{ error_number: 9002, error: 'Jobs description entry not found, empty or not list' }],
};

const fieldIgnored = {
  description: 'Ignoring unknown field "gres" of type string',
  source: '#/job/gres/',
};

function operationOf(method: string, path: readonly string[]): string {
  if (method === 'POST' && path.join('/') === 'job/submit') return 'submit';
  if (path[0] !== 'job') return path[0] ?? '';
  return method === 'DELETE' ? 'cancel' : 'job';
}

function json(response: ServerResponse, status: number, body: object): void {
  response.setHeader('content-type', 'application/json');
  response.statusCode = status;
  response.end(JSON.stringify(body));
}

function plain(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  response.end(body);
}
