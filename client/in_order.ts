import { unlessAborted } from './deadline.ts';

/**
 * Works on what a source gives, up to `concurrency` at a time, and gives the outcomes in the order of the source. No
 * more is read of it than is worked on. When one fails, nobody wants more, or the signal is aborted, `stop` is called
 * and all of it ends.
 */
export async function* inOrder<T, R>(
  source: AsyncGenerator<T>,
  { concurrency, signal, stop }: { concurrency: number; signal: AbortSignal; stop: () => void },
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  try {
    for (;;) {
      const { value, done } = await unlessAborted(source.next(), signal);
      if (done === true) break;
      const begun = work(value);
      // Whoever fails first is thrown when it is its turn; the others are nobody's any more.
      begun.catch(() => {});
      pending.push(begun);
      if (pending.length < concurrency) continue;
      const first = pending.shift();
      if (first !== undefined) yield await first;
    }
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) yield await next;
  } finally {
    const wasAborted = signal.aborted;
    stop();
    await Promise.allSettled(pending);
    const closed = source.return(undefined);
    closed.catch(() => {});
    // A source that is asked for its next can not close before it has that, which may be never.
    if (!wasAborted) await closed;
  }
}
