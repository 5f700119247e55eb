import type { Ambient } from '../../../domain/ambient.ts';
import { isJsonObject } from '../../../domain/json.ts';
import type { BackendSurroundings } from '../../contract/definition.ts';
import { BackendError } from '../../contract/error.ts';
import type { NativeRequest } from '../../contract/native-request.ts';
import type { RestSettings } from '../config.ts';
import { jobsWithIds, recordsWithIds } from '../elements.ts';
import type { BatchRequest, NativeJob, NativeSite } from '../native.ts';
import { baseOf } from '../native.ts';
import { apiVersions, parseJobs, parseNodes, submitBody } from './codec.ts';
import type { Answer } from './http.ts';
import { SlurmHttp, answerError, unknownJob } from './http.ts';
import { Tokens } from './token.ts';
import { numberOf, objectsOf, textOf } from './values.ts';

/** Beyond so many, all jobs of the cluster are asked for at once. */
const singleQuestions = 20;
const atATime = 4;
const planLimitMs = 1500;

/** slurmrestd with a JWT, in whichever version of its API it speaks. */
export class RestClient {
  readonly #settings: RestSettings;
  readonly #http: SlurmHttp;
  #version: Promise<string> | null = null;
  #closed = false;

  constructor(
    settings: RestSettings,
    timeoutMs: number,
    ambient: Ambient & Pick<BackendSurroundings, 'traceparent'>,
  ) {
    const tokens = new Tokens(settings, ambient);
    this.#settings = settings;
    this.#http = new SlurmHttp(settings, timeoutMs, tokens, ambient.traceparent);
  }

  async submit(request: BatchRequest): Promise<string> {
    const version = await this.#apiVersion('submit');
    const body = submitBody(request, version);
    const answer = await this.#send('submit', 'POST', '/job/submit', body);
    // Slurm accepts what can never start too, and says why beside the id.
    const result = answer.body?.['result'];
    const id =
      numberOf(answer.body?.['job_id']) ?? numberOf(isJsonObject(result) ? result['job_id'] : null);
    if (answer.status !== 200 || id === null || id <= 0) {
      throw submitError(answer);
    }
    const ignored = answer.warnings.find((warning) => /ignoring unknown field/i.test(warning));
    if (ignored === undefined) return String(id);
    // It would run without what was asked for, such as its GPU.
    await this.cancel(String(id));
    throw new BackendError('Rejected', 'submit', `Slurm does not understand us: ${ignored}`);
  }

  /** A server that does not say at once which version it speaks is taken to speak the newest that we do. */
  async plan(request: BatchRequest): Promise<readonly NativeRequest[]> {
    const newest = apiVersions[0] ?? '';
    const late = new Promise<string>((resolve) => setTimeout(resolve, planLimitMs, newest).unref());
    const version = await Promise.race([this.#apiVersion('plan'), late]).catch(() => newest);
    const text = JSON.stringify(submitBody(request, version), null, 2);
    const title = `POST /slurm/${version}/job/submit`;
    return [{ title, mediaType: 'application/json', text }];
  }

  async named(name: string): Promise<readonly NativeJob[]> {
    const answer = await this.#get('find', '/jobs');
    return parseJobs(answer.body).filter((job) => job.name === name);
  }

  async jobs(ids: readonly string[]): Promise<ReadonlyMap<string, NativeJob>> {
    if (new Set(ids.map(baseOf)).size > singleQuestions) {
      const answer = await this.#get('inspect', '/jobs');
      return jobsWithIds(parseJobs(answer.body), ids);
    }
    const jobs = await this.#each(ids, async (id) => {
      const answer = await this.#send('inspect', 'GET', `/job/${id}`);
      return isUnknown(answer) ? null : (ok('inspect', answer), answer);
    });
    return jobsWithIds(jobs, ids);
  }

  async history(ids: readonly string[]): Promise<ReadonlyMap<string, readonly NativeJob[]> | null> {
    const version = await this.#apiVersion('inspect');
    let isThere = true;
    const found = await this.#each(ids, async (id) => {
      if (!isThere) return null;
      const answer = await this.#http.send('inspect', 'GET', `/slurmdb/${version}/job/${id}`);
      // The plugin is loaded only where there is an accounting.
      if (answer.status === 404 && answer.body === null) isThere = false;
      if (!isThere || objectsOf(answer.body?.['jobs']).length === 0) {
        const isKnown = answer.errors.every(({ number }) => number !== 9003);
        if (isThere && isKnown && answer.errors.length > 0) throw answerError('inspect', answer);
        return null;
      }
      return answer;
    });
    return isThere ? recordsWithIds(found, ids) : null;
  }

  async cancel(id: string): Promise<void> {
    const answer = await this.#send('cancel', 'DELETE', `/job/${id}`);
    if (isUnknown(answer)) return;
    ok('cancel', answer);
    // Since v0.0.42 the error of a job sits inside of a 200.
    for (const { error } of objectsOf(answer.body?.['status'])) {
      const number = isJsonObject(error) ? numberOf(error['code']) : null;
      const text = isJsonObject(error) ? textOf(error['message']) : '';
      if (number === null || number === 0 || overAlready.has(number)) continue;
      throw answerError('cancel', { ...answer, errors: [{ number, text }] });
    }
  }

  async site(): Promise<NativeSite> {
    const version = await this.#apiVersion('health');
    const [ping, nodes, diagnosis] = await Promise.all([
      this.#get('health', '/ping'),
      this.#get('health', '/nodes'),
      this.#get('health', '/diag'),
    ]);
    const pings = objectsOf(ping.body?.['pings']);
    const isUp = pings.some((one) => (textOf(one['pinged']) || textOf(one['ping'])) === 'UP');
    if (!isUp) {
      const message = 'Slurm’s controller is down, or refuses the token.';
      throw new BackendError('Unavailable', 'health', message);
    }
    const statistics = diagnosis.body?.['statistics'];
    return {
      description: `Slurm ${releaseOf(ping.body)} by slurmrestd ${version}`,
      nodes: parseNodes(nodes.body),
      queued: numberOf(isJsonObject(statistics) ? statistics['jobs_pending'] : null) ?? 0,
    };
  }

  close(): void {
    this.#closed = true;
    this.#http.close();
  }

  /** Of an array all elements are asked for: older versions know no other question. */
  async #each(
    ids: readonly string[],
    ask: (id: string) => Promise<Answer | null>,
  ): Promise<readonly NativeJob[]> {
    const jobs: NativeJob[] = [];
    const rest = [...new Set(ids.map(baseOf))];
    const worker = async (): Promise<void> => {
      for (let id = rest.pop(); id !== undefined; id = rest.pop()) {
        jobs.push(...parseJobs((await ask(id))?.body));
      }
    };
    await Promise.all(Array.from({ length: atATime }, worker));
    return jobs;
  }

  async #get(operation: string, path: string): Promise<Answer> {
    const answer = await this.#send(operation, 'GET', path);
    ok(operation, answer);
    return answer;
  }

  async #send(
    operation: string,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: object | null = null,
  ): Promise<Answer> {
    const version = await this.#apiVersion(operation);
    const answer = await this.#http.send(operation, method, `/slurm/${version}${path}`, body);
    // The server was replaced by one that speaks other versions: ask again next time.
    if (answer.status === 404 && answer.body === null) this.#version = null;
    return answer;
  }

  #apiVersion(operation: string): Promise<string> {
    if (this.#closed) throw new BackendError('Closed', operation, 'The backend is closed.');
    const { apiVersion } = this.#settings;
    if (apiVersion !== null) return Promise.resolve(apiVersion);
    if (this.#version !== null) return this.#version;
    const finding = this.#findVersion(operation);
    this.#version = finding;
    finding.catch(() => {
      if (this.#version === finding) this.#version = null;
    });
    return finding;
  }

  /** The newest one that is loaded. Any answer of Slurm's own means that it is, also one that refuses. */
  async #findVersion(operation: string): Promise<string> {
    for (const version of apiVersions) {
      const answer = await this.#http.send(operation, 'GET', `/slurm/${version}/ping`);
      if (answer.status === 404) continue;
      if (answer.body === null) throw answerError(operation, answer);
      return version;
    }
    const known = `${apiVersions.at(-1)} to ${apiVersions[0]}`;
    const message = `The server speaks none of ${known}; is it slurmrestd?`;
    throw new BackendError('Unavailable', operation, message);
  }
}

/** ESLURM_ALREADY_DONE and the unknown job. */
const overAlready: ReadonlySet<number> = new Set([2021, unknownJob]);

function isUnknown({ status, errors }: Answer): boolean {
  return status !== 401 && errors.some(({ number }) => number === unknownJob);
}

function ok(operation: string, answer: Answer): void {
  const isBad = answer.status !== 200 || answer.body === null || answer.errors.length > 0;
  if (isBad) throw answerError(operation, answer);
}

/** An answer without an id that is no refusal leaves open whether Slurm has the job. */
function submitError(answer: Answer): BackendError {
  const error = answerError('submit', answer);
  if (error.kind !== 'NotFound') return error;
  return new BackendError('Unavailable', 'submit', error.message);
}

function releaseOf(body: Answer['body']): string {
  const meta = body?.['meta'];
  if (!isJsonObject(meta)) return '';
  const slurm = meta['slurm'] ?? meta['Slurm'];
  return isJsonObject(slurm) ? textOf(slurm['release']) : '';
}
