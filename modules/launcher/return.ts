import { existsSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claim, keepBeating } from './claim.ts';
import { messageOf } from './exchange.ts';
import type { Options } from './options.ts';
import { openToAll } from './inputs.ts';
import { GaveUpError, Platform } from './platform.ts';
import { refusedCode, tryAgainCode } from './program-exit.ts';
import { StateFolder } from './state-folder.ts';
import type { StopSignals } from './stop-signals.ts';
import { Uploader } from './uploader.ts';

/** Brings `out/` of a program that somebody else runs, until its end is known; gives our own exit code. */
export async function bringBack(options: Options, signals: StopSignals): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`fathom: ${text}\n`);
  const state = new StateFolder(options.work);
  const platform = new Platform({ ...options, say });
  const out = join(options.work, 'out');
  mkdirSync(out, { recursive: true });
  if (!options.isPrivate) await openToAll(options.work, null);
  const told = new AbortController();
  signals.handle((signal, count) => {
    told.abort();
    if (count > 1) platform.end(new GaveUpError(`told to stop (${signal})`));
  });
  platform.setUnderWay(true);
  let beating = { stop(): void {} };
  try {
    const claimed = await claim(platform, state.session('return'), 'RETURN', say);
    if (claimed === null) throw new Error('another launcher does this work');
    beating = keepBeating(platform, claimed);
    const uploader = new Uploader(platform, out, say);
    const { signal } = told;
    while (!signal.aborted && !existsSync(options.stopFile)) {
      await uploader.sendComplete(options.settleMs);
      await pause(options.sweepMs, undefined, { signal }).catch(() => undefined);
    }
    platform.setUnderWay(false);
    await uploader.sendEverything(relative(out, options.stopFile));
    return uploader.refused.length === 0 ? 0 : refusedCode;
  } catch (error) {
    say(`not everything was brought: ${messageOf(error)}`);
    return tryAgainCode;
  } finally {
    beating.stop();
  }
}
