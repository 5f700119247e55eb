import { unwatchFile, watchFile } from 'node:fs';

export interface ReloadingOptions {
  /** Looked at once a second; a mounted file that is exchanged as a whole is noticed too. */
  readonly file: string | null;
  /** Reads all anew and takes it up. What it rejects with is told, and what was there stays. */
  readonly reload: () => Promise<void>;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;
}

export interface Reloading {
  /** Of the last try; null when it went well. */
  readonly refusal: string | null;
  readonly loadedAt: number;
  stop(): void;
}

/** Reloads when a file changes and on SIGHUP, one after the other. */
export function reloading({ file, reload, log }: ReloadingOptions): Reloading {
  const state = { refusal: null as string | null, loadedAt: Date.now() };
  let under = Promise.resolve();
  const again = (): void => {
    under = under.then(reload).then(
      () => {
        Object.assign(state, { refusal: null, loadedAt: Date.now() });
        log('info', 'The supergraph was read anew.');
      },
      (error: unknown) => {
        state.refusal = error instanceof Error ? error.message : String(error);
        log('error', 'The supergraph was not taken up; the one before goes on.', {
          error: state.refusal,
        });
      },
    );
  };
  if (file !== null) watchFile(file, { interval: 1_000 }, again);
  process.on('SIGHUP', again);
  return {
    get refusal() {
      return state.refusal;
    },
    get loadedAt() {
      return state.loadedAt;
    },
    stop() {
      if (file !== null) unwatchFile(file, again);
      process.off('SIGHUP', again);
    },
  };
}
