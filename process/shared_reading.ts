import { messageOf } from './start.ts';

/** The value that was read, or the reason why reading failed. */
export type Reading<T> = { value: T } | { value: null; why: string };

/**
 * A read that many callers share. Only one read runs at a time, its result is kept for `keepMs`, and no
 * caller waits longer than `waitBudgetMs`. So probes can neither overload the system that they check, nor
 * hang with it. `clock` gives milliseconds.
 */
export function sharedReading<T>(
  read: () => Promise<T>,
  limits: { keepMs: number; waitBudgetMs: number },
  clock: () => number = () => performance.now(),
): () => Promise<Reading<T>> {
  let last: { reading: Reading<T>; at: number } | null = null;
  let current: Promise<Reading<T>> | null = null;

  async function readNow(): Promise<Reading<T>> {
    const reading = await read().then(
      (value): Reading<T> => ({ value }),
      (error: unknown): Reading<T> => ({ value: null, why: messageOf(error) }),
    );
    last = { reading, at: clock() };
    current = null;
    return reading;
  }

  return async () => {
    if (last !== null && clock() - last.at < limits.keepMs) return last.reading;
    current ??= readNow();
    const { promise: waitBudget, resolve: giveUp } = Promise.withResolvers<Reading<T>>();
    const why = `no answer within ${limits.waitBudgetMs} ms`;
    const timer = setTimeout(() => giveUp({ value: null, why }), limits.waitBudgetMs);
    try {
      return await Promise.race([current, waitBudget]);
    } finally {
      clearTimeout(timer);
    }
  };
}
