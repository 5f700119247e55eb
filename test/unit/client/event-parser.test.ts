import { describe, expect, test } from 'vitest';
import { EventParser } from '../../../codegen/client/event-parser.ts';

const stream =
  ':\n\nevent: next\ndata: {"a":1}\n\n: ping\r\n\r\nevent:next\r\ndata: one\r\ndata:two\r\n\r\ndata: plain\rid: 3\r\revent: complete\ndata:\n\n';
const events = [
  { type: 'next', data: '{"a":1}' },
  { type: 'next', data: 'one\ntwo' },
  { type: 'message', data: 'plain' },
  { type: 'complete', data: '' },
];

describe('the parser of event streams', () => {
  test('reads every kind of line end, comments and several data lines', () => {
    expect(new EventParser().push(stream)).toEqual(events);
  });

  test('gives the same events wherever the text is cut', () => {
    for (let size = 1; size < 8; size++) {
      const parser = new EventParser();
      const seen = [];
      for (let at = 0; at < stream.length; at += size) {
        seen.push(...parser.push(stream.slice(at, at + size)));
      }
      expect(seen).toEqual(events);
    }
  });

  test('an event that is not ended is not given', () => {
    expect(new EventParser().push('event: next\ndata: {}\n')).toEqual([]);
  });

  test('a completion without data counts', () => {
    expect(new EventParser().push('event: complete\n\n')).toEqual([{ type: 'complete', data: '' }]);
  });
});
