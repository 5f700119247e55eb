import { deepStrictEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { Pool } from 'undici';
import { stateFolder } from './catalogue.ts';
import { deploy } from './deployment.ts';
import { fathom, root, type Server, start } from './process.ts';
import { median, quantile, ratio, type Result, rounded, type Row } from './result.ts';

const calls = 100;
const rounds = 5;
const warmUps = 50;

const mutation = `mutation Predict($input: PredictInput!) {
  predict(input: $input) { prediction { outcome output } userErrors { code message path } }
}`;

interface Way {
  readonly name: string;
  readonly server: Server;
  /** One call; milliseconds from sending to the last byte of the answer. */
  call(): Promise<number>;
  close(): Promise<void>;
}

const subjects: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'language-detector': { text: 'Wo ist die Bibliothek, und wann macht sie heute zu?', topK: 3 },
  // The classifier takes 28 by 28 pixels; which ones does not matter for what a call costs.
  'image-classifier': {
    pixels: Array.from({ length: 784 }, (_, at) => rounded(((at * 7919) % 256) / 255, 4)),
    topK: 3,
  },
};

/**
 * Calls through the graph against the same calls straight to a server of the same module, and, as the least a hop can
 * cost, through a bare proxy. One after another in turn, so that a moment in which the machine is busy meets all.
 */
export async function predict(): Promise<Result> {
  const state = await stateFolder(0);
  const running: Server[] = [];
  try {
    const graph = await fathom([], { ...state.env, FATHOM_SEED: 'off' });
    running.push(graph);
    const rows: Row[] = [];
    for (const [slug, values] of Object.entries(subjects)) {
      const module = await startModule(slug);
      running.push(module);
      const proxy = await start([join(root, 'bench', 'peers', 'proxy.mjs'), module.url]);
      running.push(proxy);
      const deployed = await deploy(graph.url, slug);
      try {
        const body = JSON.stringify(values);
        const straight = await answerOf(module, `/v2/models/${slug}/predict/`, body);
        rows.push(
          ...(await compareWays(slug, [
            wayTo('straight', module, `/v2/models/${slug}/predict/`, body, (answer) =>
              deepStrictEqual(answer, straight),
            ),
            wayTo('bare proxy', proxy, `/v2/models/${slug}/predict/`, body, (answer) =>
              deepStrictEqual(answer, straight),
            ),
            wayTo(
              'fathom',
              graph,
              '/graphql',
              JSON.stringify({
                query: mutation,
                variables: { input: { deploymentId: deployed.id, arguments: values } },
              }),
              (answer) =>
                deepStrictEqual(answer, {
                  data: {
                    predict: {
                      prediction: { outcome: 'OK', output: predictionsIn(straight) },
                      userErrors: [],
                    },
                  },
                }),
            ),
          ])),
        );
      } finally {
        await deployed.remove();
      }
    }
    const of = (way: string) =>
      Object.fromEntries(
        rows.filter(({ name }) => name.endsWith(way)).map((row) => [row.name.split(',')[0], row]),
      );
    return {
      about: `${calls} calls one after another, ${rounds} rounds in turn, medians of the rounds' quantiles in ms; added: more than straight to the module. CPU of the process in between, ms per call.`,
      rows,
      ours: of('fathom'),
      peers: { straight: of('straight'), bareProxy: of('bare proxy') },
      ratios: Object.fromEntries(
        Object.keys(subjects).map((slug) => {
          const p50 = (way: string) =>
            Number(rows.find(({ name }) => name === `${slug}, ${way}`)?.['p50Ms']);
          return [`p50 of ${slug} vs straight`, ratio(p50('fathom'), p50('straight'))];
        }),
      ),
    };
  } finally {
    await Promise.all(running.map((server) => server.stop()));
    await state.remove();
  }
}

async function startModule(slug: string): Promise<Server> {
  const server = await start(
    [
      join(root, 'modules', 'runtime', 'main.ts'),
      'serve',
      '--module',
      join(root, 'modules', slug),
      '--disable-train',
    ],
    {},
    /"port":(\d+)/,
  );
  return { ...server, url: `http://127.0.0.1:${server.url}` };
}

function wayTo(
  name: string,
  server: Server,
  path: string,
  body: string,
  check: (answer: unknown) => void,
): Way {
  const pool = new Pool(new URL(server.url).origin, { connections: 1 });
  return {
    name,
    server,
    async call() {
      const began = performance.now();
      const response = await pool.request({
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body,
      });
      const text = await response.body.text();
      const took = performance.now() - began;
      check(JSON.parse(text));
      return took;
    },
    close: () => pool.close(),
  };
}

/** The first way is what the others are compared to. */
async function compareWays(slug: string, ways: readonly Way[]): Promise<readonly Row[]> {
  try {
    for (let at = 0; at < warmUps; at++) for (const way of ways) await way.call();
    const before = ways.map(({ server }) => server.cpuMs());
    const seen = ways.map((): { readonly p50: number; readonly p99: number }[] => []);
    for (let round = 0; round < rounds; round++) {
      const times = ways.map((): number[] => []);
      for (let at = 0; at < calls; at++) {
        for (const [index, way] of ways.entries()) times[index]?.push(await way.call());
      }
      for (const [index, all] of times.entries()) {
        seen[index]?.push({ p50: quantile(all, 0.5), p99: quantile(all, 0.99) });
      }
    }
    const medians = seen.map((all) => ({
      p50: median(all.map(({ p50 }) => p50)),
      p99: median(all.map(({ p99 }) => p99)),
    }));
    const straight = medians[0] ?? { p50: NaN, p99: NaN };
    return ways.map(({ name, server }, index) => {
      const { p50, p99 } = medians[index] ?? straight;
      return {
        name: `${slug}, ${name}`,
        p50Ms: rounded(p50),
        p99Ms: rounded(p99),
        addedP50Ms: rounded(p50 - straight.p50),
        addedP99Ms: rounded(p99 - straight.p99),
        cpuMs: rounded((server.cpuMs() - (before[index] ?? NaN)) / (rounds * calls)),
      };
    });
  } finally {
    await Promise.all(ways.map((way) => way.close()));
  }
}

async function answerOf(server: Server, path: string, body: string): Promise<unknown> {
  const response = await fetch(new URL(path, server.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  if (response.status !== 200) throw new Error(await response.text());
  return response.json();
}

function predictionsIn(answer: unknown): unknown {
  return (answer as { readonly predictions: unknown }).predictions;
}
