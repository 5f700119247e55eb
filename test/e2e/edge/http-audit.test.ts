import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modes, startMode } from './modes.ts';
import type { RunningMode } from './modes.ts';

describe.each(modes)('GraphQL over HTTP, %s', (mode) => {
  let running: RunningMode;
  beforeAll(async () => {
    running = await startMode(mode);
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
