import { getOperationAST, parse } from 'graphql';
import { isResultStream } from '../../../gateway/executor.ts';
import type { Executor, GraphRequest, Incoming } from '../../../gateway/executor.ts';

/** Runs one operation as a transport would, without one. Events of a subscription come as a list. */
export async function answerTo(
  executor: Executor,
  query: string,
  variables: Record<string, unknown> = {},
  incoming: Partial<Incoming> = {},
): Promise<unknown> {
  const document = parse(query);
  const kind: Incoming['kind'] = getOperationAST(document)?.operation ?? 'query';
  const request: GraphRequest = {
    query,
    document,
    variables,
    incoming: {
      kind,
      headers: {},
      requestId: 'r',
      signal: new AbortController().signal,
      ...incoming,
    },
  };
  if (kind !== 'subscription') return plain(await executor.run(request));
  const opened = await executor.subscribe(request);
  if (!isResultStream(opened)) return plain(opened);
  const events: unknown[] = [];
  for await (const event of opened) events.push(plain(event));
  return events;
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
