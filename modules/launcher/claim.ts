import { setTimeout as pause } from 'node:timers/promises';
import { RefusedError } from './exchange.ts';
import type { Exit, Platform } from './platform.ts';

export interface Claimed {
  /** Where the platform's log ends. */
  readonly logBytes: number;
  /** After so long without a word another launcher may have the work. */
  readonly silenceMs: number;
  /** How the work ended, when it did: then there is nothing left to do. */
  readonly exit: Exit | null;
}

/** Longer than a launcher that was killed is thought to be alive. */
const patienceMs = 180_000;

/** Becomes the one launcher of the delivery. Null when another one is, and stays it. */
export async function claim(
  platform: Platform,
  session: string,
  role: 'RUN' | 'RETURN',
  say: (text: string) => void,
): Promise<Claimed | null> {
  platform.useSession(session);
  const body = Buffer.from(JSON.stringify({ session, role }));
  const headers = { 'content-type': 'application/json' };
  const start = performance.now();
  for (let count = 0; performance.now() - start < patienceMs; count++) {
    try {
      const { text } = await platform.ask('POST', 'session', { headers, body });
      return JSON.parse(text) as Claimed;
    } catch (error) {
      if (!(error instanceof RefusedError) || error.code !== 'WRONG_STATE') throw error;
      if (count === 0) say(`waiting: ${error.message}`);
      await pause(1000 * Number(error.headers['retry-after'] ?? 5));
    }
  }
  return null;
}

/** Says that we are here, until it is stopped. */
export function keepBeating(platform: Platform, { silenceMs }: Claimed): { stop(): void } {
  const timer = setInterval(() => {
    platform.once('POST', 'beat').catch(() => undefined);
  }, silenceMs / 6);
  return { stop: () => clearInterval(timer) };
}
