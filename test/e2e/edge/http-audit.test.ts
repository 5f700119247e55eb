import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergedExecutor } from '../../../gateway/merged.ts';
import { errorFor, toys } from '../../integration/gateway/toys.ts';
import { startEdge } from './edges.ts';
import type { RunningEdge } from './edges.ts';

describe('GraphQL over HTTP, merged in process', () => {
  let running: RunningEdge;
  beforeAll(async () => {
    const { subgraphs, contextFor } = toys();
    running = await startEdge(await mergedExecutor({ subgraphs, contextFor, errorFor }));
  });
  afterAll(() => running.close());

  it('passes all 61 checks of the audit', async () => {
    const audits = serverAudits({ url: () => running.url });
    const results = await Promise.all(audits.map((audit) => audit.fn()));
    const failed = results.filter((it) => it.status !== 'ok').map((it) => `${it.id} ${it.name}`);
    expect(failed).toEqual([]);
    expect(results).toHaveLength(61);
  });
});
