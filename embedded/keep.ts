import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A program that has run this long is not in a crash loop. */
const SETTLED_AFTER_MS = 60_000;

/** Something that runs until it ends. `exited` gives the reason and never rejects. */
export type Runs = { readonly exited: Promise<string> };

/** Something that is restarted when it ends. */
export type Kept<Thing extends Runs> = {
  /** The thing that runs now, or ran last. */
  current(): Thing;
  /** Prevents further restarts, and ends the running thing with `end`. Resolves when everything has ended. */
  stop(end: (thing: Thing) => Promise<void>): Promise<void>;
};

/**
 * Keeps a running thing alive: when it ends, logs that and calls `start` for a new one. The pause before is a
 * second at first, and grows while the thing keeps ending or `start` keeps failing.
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
      log(`${name} ended unexpectedly (${how}). It is restarted in ${pauseMs / 1_000} s.`);
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
