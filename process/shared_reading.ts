import { messageOf } from './start.ts';

/** What was read, or why it could not be. */
export type Reading<T> = { value: T } | { value: null; why: string };

/**
 * A reading that many may ask for at any time: one is under way at most, its result is good for `keepMs`, and
 * nobody waits for longer than `patienceMs`. So probes can neither load what they look at, nor hang with it.
 * `clock` gives milliseconds.
 */
export function sharedReading<T>(
  read: () => Promise<T>,
  limits: { keepMs: number; patienceMs: number },
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
    const { promise: patience, resolve: giveUp } = Promise.withResolvers<Reading<T>>();
    const why = `no answer within ${limits.patienceMs} ms`;
    const timer = setTimeout(() => giveUp({ value: null, why }), limits.patienceMs);
    try {
      return await Promise.race([current, patience]);
    } finally {
      clearTimeout(timer);
    }
  };
}
