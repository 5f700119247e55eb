import { randomUUID } from 'node:crypto';
import type { ExecutionResult, FormattedExecutionResult } from 'graphql';

const texts = new WeakMap<ExecutionResult, string>();

/** The JSON of a result that many readers are sent, written once. A result never changes after it was made. */
export function textOf(result: ExecutionResult): string {
  let text = texts.get(result);
  if (text === undefined) {
    text = JSON.stringify(result);
    texts.set(result, text);
  }
  return text;
}

/** Stands where the payload will be; nobody outside can know it. */
const place = randomUUID();
const end = `"payload":"${place}"}`;

/**
 * Puts results into messages that a library writes: `payload` holds the place while it does so, and `complete` fills it
 * in. One for each socket; it works because the library hands a message on in the turn in which it was written.
 */
export class WrittenPayloads {
  #text: string | null = null;

  payload(result: ExecutionResult): FormattedExecutionResult {
    const standIn = {
      toJSON: () => {
        this.#text = textOf(result);
        return place;
      },
    };
    return standIn as FormattedExecutionResult;
  }

  complete(message: string): string {
    if (this.#text === null || !message.endsWith(end)) return message;
    const whole = `${message.slice(0, -end.length)}"payload":${this.#text}}`;
    this.#text = null;
    return whole;
  }
}
