import { buildSchema, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { isResultStream, type ResultStream } from '../../../gateway/executor.ts';
import { SchemaExecutor } from '../../../gateway/schema-executor.ts';
import { textOf, WrittenPayloads } from '../../../gateway/written-once.ts';

const schema = buildSchema('type Query { n: Int } type Subscription { n(id: ID): Int }');

/** Counts contexts: one is made for each execution, and one to open a stream. */
function executor(events: readonly object[], resolve: (event: { n: number }) => unknown) {
  const made = { contexts: 0 };
  const field = schema.getSubscriptionType()?.getFields()['n'];
  if (field === undefined) throw new Error('no field');
  field.subscribe = async function* () {
    yield* events;
  };
  field.resolve = (event: { n: number }) => resolve(event);
  return {
    made,
    graph: new SchemaExecutor({
      schema,
      contextFor: () => {
        made.contexts++;
        return {};
      },
      errorFor: (error) => ({
        message: String(error),
        code: 'INTERNAL',
        retryable: false,
        retryAfterMs: null,
      }),
    }),
  };
}

async function open(
  graph: SchemaExecutor<object>,
  more: { variables?: Record<string, unknown>; authorization?: string; requestId?: string } = {},
): Promise<ResultStream> {
  const query = 'subscription S($id: ID) { n(id: $id) }';
  const headers = more.authorization === undefined ? {} : { authorization: more.authorization };
  const stream = await graph.subscribe({
    query,
    document: parse(query),
    variables: more.variables ?? {},
    incoming: {
      kind: 'subscription',
      headers,
      requestId: more.requestId ?? 'r',
      signal: new AbortController().signal,
    },
  });
  if (!isResultStream(stream)) throw new Error('refused');
  return stream;
}

async function next(stream: ResultStream): Promise<unknown> {
  return (await stream.next()).value;
}

describe('identical subscriptions', () => {
  test('are executed once for each event, with a fresh context, and all get the same result', async () => {
    const { graph, made } = executor([{ n: 1 }, { n: 2 }], ({ n }) => n);
    const streams = await Promise.all(Array.from({ length: 50 }, () => open(graph)));
    made.contexts = 0;
    for (const n of [1, 2]) {
      const results = new Set(await Promise.all(streams.map(next)));
      expect([...results]).toEqual([{ data: { n } }]);
      expect(results.size).toBe(1);
    }
    expect(made.contexts).toBe(2);
  });

  test('other rights or other variables are executed for themselves', async () => {
    const { graph, made } = executor([{ n: 1 }], ({ n }) => n);
    const streams = [
      await open(graph),
      await open(graph, { authorization: 'Bearer a' }),
      await open(graph, { authorization: 'Bearer b' }),
      await open(graph, { variables: { id: 'x' } }),
    ];
    made.contexts = 0;
    await Promise.all(streams.map(next));
    expect(made.contexts).toBe(4);
  });

  test('an answer with errors names the request of its own reader', async () => {
    const { graph } = executor([{ n: 1 }], () => {
      throw new Error('no');
    });
    const streams = await Promise.all(['a', 'b'].map((requestId) => open(graph, { requestId })));
    const answers = JSON.stringify(await Promise.all(streams.map(next)));
    expect(answers).toContain('"requestId":"a"');
    expect(answers).toContain('"requestId":"b"');
  });

  test('one that is alone keeps nothing for others', async () => {
    const { graph, made } = executor([{ n: 1 }], ({ n }) => n);
    const first = await open(graph);
    await next(first);
    await first.return();
    made.contexts = 0;
    const second = await open(graph);
    await next(second);
    expect(made.contexts).toBe(2);
  });
});

describe('a result that many are sent', () => {
  test('is written once', () => {
    const result = { data: { n: 1 } };
    const text = textOf(result);
    expect(text).toBe('{"data":{"n":1}}');
    Object.assign(result.data, { n: 2 });
    expect(textOf(result)).toBe(text);
  });

  test('stands in the message of a library as if the library had written it', () => {
    const payloads = new WrittenPayloads();
    const result = { data: { text: '"payload":"$&"}' } };
    const message = { id: 'a', type: 'next', payload: payloads.payload(result) };
    expect(payloads.complete(JSON.stringify(message))).toBe(
      JSON.stringify({ ...message, payload: result }),
    );
    expect(payloads.complete('{"type":"pong"}')).toBe('{"type":"pong"}');
  });
});
