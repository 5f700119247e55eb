import { isJsonObject } from '../../domain/json.ts';

/**
 * A piece of one of the files of a log, by the number of the file. Nomad also gives an offset, which is wrong for most pieces
 * that are shorter than the one before: pieces follow one another, and their place is counted.
 */
export interface LogFrame {
  readonly file: number;
  readonly data: Buffer;
}

/** Objects of JSON one behind the other without a separator, cut anywhere; heartbeats and news of files are passed over. */
export async function* logFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<LogFrame> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (;;) {
      const end = endOfObject(text);
      if (end === null) break;
      const frame = frameIn(text.slice(0, end));
      text = text.slice(end);
      if (frame !== null) yield frame;
    }
  }
}

/** Behind the first whole object; null when it is not whole yet. */
export function endOfObject(text: string): number | null {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const close = endOfString(text, at);
      if (close === null) return null;
      at = close;
    } else if (character === '{') depth++;
    else if (character === '}' && --depth <= 0) return at + 1;
  }
  return null;
}

/** Where the string that begins at `open` is closed. */
function endOfString(text: string, open: number): number | null {
  for (let at = text.indexOf('"', open + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return at;
  }
  return null;
}

function frameIn(text: string): LogFrame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isJsonObject(value)) return null;
  const { Data, File } = value;
  if (typeof Data !== 'string' || typeof File !== 'string') return null;
  const file = /\.(\d+)$/.exec(File)?.[1];
  return { file: Number(file ?? 0), data: Buffer.from(Data, 'base64') };
}
