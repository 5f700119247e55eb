import type { LogChunk } from '../contract/job-runner.ts';

type LogLine = LogChunk['lines'][number];

const longestLine = 16 * 1024;

/** `TIME stdout: text`, `TIME text` where the platform keeps one stream, or any text. `at` is for a line without a time. */
export function logLine(raw: string, at: number): LogLine {
  const match = /^(\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?Z)\s+(?:(stdout|stderr): ?)?/.exec(raw);
  const time = match === null ? NaN : Date.parse(match[1] ?? '');
  const text = match === null ? raw : raw.slice(match[0].length);
  return {
    at: Number.isNaN(time) ? at : time,
    stream: match?.[2] === 'stderr' ? 'STDERR' : 'STDOUT',
    text: cut(text.replace(/\r?\n$/, '')),
  };
}

/** To 16 KiB of UTF-8, never through a character. */
function cut(text: string): string {
  if (Buffer.byteLength(text) <= longestLine) return text;
  const bytes = Buffer.from(text).subarray(0, longestLine - 3);
  return `${new TextDecoder().decode(bytes, { stream: true })}…`;
}
