import { batcher } from './batcher.ts';

/**
 * Gives what `read` gives. Callers that ask for the same key while it is being read share the next read. It starts
 * after each of them has asked, so none of them gets anything older than its question. The reads of one key must
 * be interchangeable: the key has all that they depend on. `gone` is aborted when the caller leaves. The signal of
 * a read is aborted when all of its callers have left.
 */
export type SharedReads = <T>(
  key: string,
  read: (left: AbortSignal) => Promise<T>,
  gone?: AbortSignal,
) => Promise<T>;

/** More callers than requests can be in flight. */
const MAX_CALLERS = 100_000;
/** Callers do not wait for a read that takes longer, so that one that hangs holds up nobody. */
const SLOW = { afterMs: 250, parallel: 10 };

type Caller = { read: (left: AbortSignal) => Promise<unknown>; gone: AbortSignal | undefined };

/** Makes the function that shares reads. It keeps nothing of a key that nobody waits for. */
export function createSharedReads(): SharedReads {
  const keys = new Map<string, { callers: number; next: (caller: Caller) => Promise<unknown> }>();
  return async <T>(key: string, read: (left: AbortSignal) => Promise<T>, gone?: AbortSignal): Promise<T> => {
    const shared = keys.get(key) ?? {
      callers: 0,
      next: batcher(forAll, { maxItems: MAX_CALLERS, slow: SLOW }),
    };
    keys.set(key, shared);
    shared.callers++;
    try {
      return (await shared.next({ read, gone })) as T;
    } finally {
      if (--shared.callers === 0) keys.delete(key);
    }
  };
}

/** Runs the first of some interchangeable reads, and gives its result for each. */
async function forAll(callers: Caller[]): Promise<unknown[]> {
  const [first] = callers;
  if (first === undefined) return [];
  const all = new AbortController();
  let present = callers.length;
  const leave = (): void => {
    present--;
    if (present === 0) all.abort(new Error('All callers of a shared read have left'));
  };
  for (const { gone } of callers) {
    if (gone?.aborted === true) leave();
    else gone?.addEventListener('abort', leave, { once: true });
  }
  try {
    const result = await first.read(all.signal);
    return callers.map(() => result);
  } finally {
    for (const { gone } of callers) gone?.removeEventListener('abort', leave);
  }
}
