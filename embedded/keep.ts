import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Who has run this long is not in a loop of crashes. */
const SETTLED_AFTER_MS = 60_000;

/** Something that runs until it ends; `exited` gives how it did and never rejects. */
export type Runs = { readonly exited: Promise<string> };

/** Something that is kept running. */
export type Kept<Thing extends Runs> = {
  /** What runs at the moment, or ran last. */
  current(): Thing;
  /** From now on it is not started again; what runs is ended with `end`. Resolves when all of that is done. */
  stop(end: (thing: Thing) => Promise<void>): Promise<void>;
};

/**
 * Keeps a thing running that runs already: when it ends, that is said and `start` is called for the next one, after a
 * second at first and with growing pauses while it goes on ending (or `start` goes on failing).
 */
export function keepRunning<Thing extends Runs>(
  name: string,
  first: Thing,
  start: () => Promise<Thing>,
  log: (line: string) => void,
): Kept<Thing> {
  const stopping = new AbortController();
  let current = first;
  let starting: Promise<Thing> | undefined;

  async function runAgain(): Promise<string> {
    try {
      starting = start();
      current = await starting;
      return await current.exited;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async function watch(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let how = await first.exited;
    while (!stopping.signal.aborted) {
      log(`${name} ended unexpectedly (${how}). It is started again in ${pauseMs / 1_000} s.`);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      const startedAt = performance.now();
      how = await runAgain();
      const settled = performance.now() - startedAt > SETTLED_AFTER_MS;
      pauseMs = settled ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  const watching = watch();
  return {
    current: () => current,
    stop: async (end) => {
      stopping.abort();
      await starting?.catch(() => undefined);
      await end(current);
      await watching;
    },
  };
}
