import { batcher } from './batcher.ts';

/**
 * Gives what `read` gives. Callers that ask for the same key while it is being read share the next read. It starts
 * after each of them has asked, so none of them gets anything older than its question. The reads of one key must
 * be interchangeable: the key has all that they depend on.
 */
export type SharedReads = <T>(key: string, read: () => Promise<T>) => Promise<T>;

/** More callers than requests can be in flight. */
const MAX_CALLERS = 100_000;
/** Callers do not wait for a read that takes longer, so that one that hangs holds up nobody. */
const SLOW = { afterMs: 250, parallel: 10 };

type Read = () => Promise<unknown>;

/** Makes the function that shares reads. It keeps nothing of a key that nobody waits for. */
export function createSharedReads(): SharedReads {
  const keys = new Map<string, { callers: number; next: (read: Read) => Promise<unknown> }>();
  return async <T>(key: string, read: () => Promise<T>): Promise<T> => {
    const shared = keys.get(key) ?? {
      callers: 0,
      next: batcher(forAll, { maxItems: MAX_CALLERS, slow: SLOW }),
    };
    keys.set(key, shared);
    shared.callers++;
    try {
      return (await shared.next(read)) as T;
    } finally {
      if (--shared.callers === 0) keys.delete(key);
    }
  };
}

/** Runs the first of some interchangeable reads, and gives its result for each. */
async function forAll([read, ...others]: Read[]): Promise<unknown[]> {
  if (read === undefined) return [];
  const result = await read();
  return [result, ...others.map(() => result)];
}
