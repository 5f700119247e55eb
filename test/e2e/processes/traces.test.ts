import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../../codegen/client/client.ts';
import * as iris from '../../../modules/data/iris.ts';
import { FakeNomad } from '../../fakes/nomad/server.ts';
import { eventually } from '../bad-days/server.ts';
import { bring, moduleVersionOf } from '../thread/installation.ts';
import { collector } from './collector.ts';
import { ProcessGroup } from './process-group.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const root = resolve(import.meta.dirname, '..', '..', '..');
const traceId = '0af7651916cd43dd8448eb211c80319c';
const sampled = `00-${traceId}-b7ad6b7169203331-01`;
const unsampled = '00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

describe('a run that was asked for through a gateway, on a backend with an HTTP interface', () => {
  let folder: string;
  let nomad: FakeNomad;
  let sink: Awaited<ReturnType<typeof collector>>;
  let group: ProcessGroup;
  let url = '';
  let client: Client;
  let input = {};

  /** The id of the run. */
  const train = async (traceparent: string): Promise<string> => {
    const query = `mutation Train($input: CreateTrainingRunInput!) { createTrainingRun(input: $input) {
      trainingRun { id } userErrors { message } } }`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent },
      body: JSON.stringify({ query, variables: { input } }),
    });
    const answer = (await response.json()) as {
      data: { createTrainingRun: { trainingRun: { id: string } | null; userErrors: unknown } };
    };
    expect(answer.data.createTrainingRun.userErrors).toEqual([]);
    return answer.data.createTrainingRun.trainingRun?.id ?? '';
  };
  const jobOf = (run: string) =>
    eventually(
      async () => [...nomad.state.jobs.values()].find((job) => JSON.stringify(job).includes(run)),
      (job) => job !== undefined,
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fathom-traces-'));
    nomad = await FakeNomad.start({ folder: join(folder, 'agent') });
    sink = await collector();
    const sharedFolder = { path: join(folder, 'shared') };
    await mkdir(sharedFolder.path);
    const settings = {
      address: nomad.url,
      token: nomad.token,
      namespace: 'ml',
      sharedFolder,
      runtime: [process.execPath, join(root, 'modules', 'runtime', 'main.ts')],
    };
    const config = join(folder, 'fathom.config.json');
    const backends = [{ name: 'far', type: 'nomad', settings }];
    await writeFile(config, JSON.stringify({ backends }));
    group = await ProcessGroup.create({
      FATHOM_CONFIG: config,
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    });
    await group.allSubgraphs();
    url = await group.gateway();
    client = group.client(url);
    const moduleVersionId = await moduleVersionOf(client, 'tabular-classifier');
    const { id: datasetVersionId } = await bring(client, 'flowers', 'CSV', await iris.files());
    input = { moduleVersionId, datasetVersionId, arguments: { epochs: 1 } };
  });
  afterAll(async () => {
    await group.remove();
    await nomad.close();
    sink.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test('whom nobody records leaves no trace, at the backend neither', async () => {
    const run = await train(unsampled);
    expect(JSON.stringify(await jobOf(run))).not.toContain('TRACEPARENT');
    expect(nomad.traced).toEqual([]);
  });

  test('is one trace: gateway, subgraph, look, call, request, and the run goes on with it', async () => {
    const run = await train(sampled);
    const job = await jobOf(run);
    await eventually(
      async () => nomad.traced,
      (all) => all.some(({ request }) => request.startsWith('GET /v1/job/')),
    );
    // What was recorded is sent before they end.
    await group.stop('subgraphs');
    await group.stop('gateway');
    const own = sink.spans.filter((span) => span.traceId === traceId);
    const mutation = own.find(({ name }) => name === 'mutation Train');
    const call = own.find(({ name }) => name === 'subgraph training');
    const answered = own.find(({ parentSpanId }) => parentSpanId === call?.spanId);
    const submit = own.find(({ name }) => name === 'nomad submit');
    const look = own.find(({ spanId }) => spanId === submit?.parentSpanId);
    expect(mutation).toMatchObject({ role: 'gateway', parentSpanId: 'b7ad6b7169203331' });
    expect(call).toMatchObject({ role: 'gateway', parentSpanId: mutation?.spanId });
    expect(answered).toMatchObject({ role: 'subgraph', name: 'graphql' });
    expect(look).toMatchObject({
      role: 'subgraph',
      name: 'look trainingRun',
      parentSpanId: answered?.spanId,
      about: { 'fathom.run.id': run, 'fathom.outcome': 'OK' },
    });
    expect(submit?.about).toEqual({
      'fathom.backend.name': 'far',
      'fathom.backend.type': 'nomad',
      'fathom.backend.operation': 'submit',
      'fathom.outcome': 'OK',
    });
    // The request is the call's.
    const request = nomad.traced.find((one) => one.request === 'PUT /v1/jobs');
    expect(request?.traceparent).toBe(`00-${traceId}-${submit?.spanId}-01`);
    // What a module or its launcher would go on with is the request that asked for the run.
    const stored = `00-${traceId}-${answered?.spanId}-01`;
    expect(JSON.stringify(job)).toContain(`TRACEPARENT=\\"${stored}\\"`);
    // Names are of few values, and nothing has a secret.
    expect(own.map(({ name }) => name).filter((name) => name.includes(run))).toEqual([]);
    expect(JSON.stringify(sink.spans)).not.toContain(nomad.token);
  });
});
