import { describe, expect, test } from 'vitest';
import { parseProtocolLine } from '../../../../services/training/protocol-line.ts';

describe('a line of standard output', () => {
  test('says a phase, progress, metrics or a checkpoint', () => {
    expect(parseProtocolLine('{"type":"phase","phase":"EVALUATING"}')).toEqual({
      type: 'phase',
      phase: 'EVALUATING',
    });
    expect(parseProtocolLine('{"type":"progress","done":1,"total":3,"unit":"epoch"}')).toEqual({
      type: 'progress',
      progress: { done: 1, total: 3, unit: 'epoch' },
    });
    expect(
      parseProtocolLine('{"type":"metrics","epoch":2,"step":80,"values":{"loss":0.5,"bad":"x"}}'),
    ).toEqual({ type: 'metrics', epoch: 2, step: 80, values: { loss: 0.5 } });
    expect(
      parseProtocolLine('{"type":"checkpoint","epoch":2,"path":"checkpoints/epoch-0002"}'),
    ).toEqual({ type: 'checkpoint', epoch: 2, path: 'checkpoints/epoch-0002' });
  });

  test.each([
    'Epoch 1 of 3',
    '{"type":',
    '{"type":"phase","phase":"DONE"}',
    '{"type":"progress","done":-1,"total":3}',
    '{"type":"progress","done":1,"total":0}',
    '{"type":"metrics","values":[]}',
    '{"type":"metrics","values":{"loss":null}}',
    '{"type":"checkpoint","epoch":1,"path":"../../etc"}',
    '{"type":"checkpoint","epoch":1,"path":"a/../b"}',
    '{"type":"checkpoint","epoch":1,"path":"/etc"}',
    '{"type":"checkpoint","epoch":1.5,"path":"a"}',
    '{"type":"unheard-of"}',
    '{"type":null}',
    '[]',
  ])('is a log line when it is not exactly one of ours: %s', (text) => {
    expect(parseProtocolLine(text)).toBeNull();
  });
});
