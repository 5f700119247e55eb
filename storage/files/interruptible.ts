/** Passes `content` on until `signal` aborts; then rejects at once with `reason()`, also while a chunk is awaited. */
export async function* interruptible(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  reason: () => Error,
): AsyncGenerator<Uint8Array> {
  const source = content[Symbol.asyncIterator]();
  let interrupt: (error: Error) => void = () => {};
  const onAbort = (): void => interrupt(reason());
  signal.addEventListener('abort', onAbort);
  let finished = false;
  try {
    while (!signal.aborted) {
      // One promise a chunk: racing against a lasting promise would keep every chunk's reaction alive.
      const step = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        interrupt = reject;
        source.next().then(resolve, reject);
      });
      if (step.done === true) {
        finished = true;
        return;
      }
      yield step.value;
    }
    throw reason();
  } finally {
    signal.removeEventListener('abort', onAbort);
    // A source that hangs would never answer: it is told to stop and not waited for.
    if (!finished) void source.return?.().then(undefined, () => {});
  }
}
