import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sample } from '../../contract/blob-store.contract.ts';
import { contentOf, Dock, listed, printed, until } from './dock.ts';

let dock: Dock;
beforeEach(async () => {
  dock = await Dock.open();
});
afterEach(async () => {
  const { problems } = dock;
  await dock.destroy();
  expect(problems).toEqual([]);
});

describe('the launcher around a program', () => {
  test('data goes out, lines, files and the exit code come back', async () => {
    const data = sample(300_000);
    const inputs = [
      await dock.blob('data/a b/ünï.bin', data),
      { path: 'workload.json', content: { kind: 'TEXT', text: '{"n":1}' } } as const,
    ];
    const delivery = await dock.opened('one', inputs);
    const work = await dock.workFolder();
    const launched = dock.run(
      delivery,
      work,
      `cat workload.json; echo; echo "$GREETING"; echo oops >&2
       env | grep -c FATHOM_DELIVERY
       mkdir -p out/model; cp "data/a b/ünï.bin" out/model/weights; echo '{}' > out/output.json; exit 3`,
    );

    expect(await launched.ended).toEqual({ code: 3, signal: null });
    expect(launched.output).toContain('{"n":1}');
    const received = await dock.received('one');
    expect(received.exit).toEqual({
      cause: 'EXITED',
      code: 3,
      signal: null,
      message: 'It ended with exit code 3. Its last lines:\noops',
    });
    expect(await listed(received)).toEqual(['model/weights', 'output.json']);
    expect(await contentOf(received, 'model/weights')).toEqual(data);
    const lines = await printed(received);
    expect(lines.filter(({ stream }) => stream === 'STDOUT').map(({ text }) => text)).toEqual([
      '{"n":1}',
      'it is $(me) "here"',
      '0',
    ]);
    expect(lines).toContainEqual({ stream: 'STDERR', text: 'oops' });
    expect(received.heardAt).toBeGreaterThan(0);
  });
});
