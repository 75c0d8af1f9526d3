import type { Logger } from 'pino';
import { messageOf } from '../process/start.ts';
import type { LockedRing } from '../store/rings.ts';

/** For so long after an error it is looked, this often, for rings that are locked and in nobody's hands. */
const DOUBT_MS = 20_000;
/** Well longer than a ring that was fetched takes to be in hand or given back. */
const LOOK_EVERY_MS = 2_000;

export type AstrayOptions = {
  log: Logger;
  /** What graphile-worker has locked for these pools. */
  locked: (poolIds: string[]) => Promise<(LockedRing & { key: string | null })[]>;
  /** Gives rings back that these pools have locked and not begun. */
  returnRings: (poolIds: string[], rings: LockedRing[]) => Promise<void>;
};

export type AstrayRings = {
  /** To be called after an error. */
  doubt(): void;
  stop(): Promise<void>;
};

/**
 * Gives astray rings back: a fetch whose answer is lost has locked rings that nobody has, and graphile-worker's own
 * expiry is 4 hours. So after an error those that are locked for our pools, and not in hand at two looks, are given back.
 */
export function returnAstray(
  { log, locked, returnRings }: AstrayOptions,
  pools: ReadonlySet<{ readonly id: string; keys(): string[] }>,
): AstrayRings {
  let doubtUntil = 0;
  let notInHand = new Set<string>();

  async function look(): Promise<void> {
    const before = notInHand;
    notInHand = new Set();
    if (performance.now() > doubtUntil) return;
    const poolIds = [...pools].map(({ id }) => id);
    const found = await locked(poolIds);
    const inHand = new Set([...pools].flatMap((pool) => pool.keys()));
    const unheld = found.filter(({ key }) => key === null || !inHand.has(key));
    notInHand = new Set(unheld.map(fetchOf));
    const astray = unheld.filter((ring) => before.has(fetchOf(ring)));
    if (astray.length === 0) return;
    await returnRings(poolIds, astray);
    log.warn({ count: astray.length }, 'gave back rings that were locked and that nobody had in hand');
  }

  const looking = repeat(
    () =>
      look().catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'could not look for astray rings: trying again');
      }),
    LOOK_EVERY_MS,
  );
  return {
    doubt() {
      doubtUntil = performance.now() + DOUBT_MS;
    },
    stop: looking.stop,
  };
}

/** Tells one fetch of a ring from the next. */
function fetchOf({ jobId, lockedAt }: LockedRing): string {
  return `${jobId} ${lockedAt}`;
}

/** Does something again and again, never twice at once. */
function repeat(work: () => Promise<void>, everyMs: number): { stop(): Promise<void> } {
  let last = Promise.resolve();
  let underWay = false;
  const timer = setInterval(() => {
    if (underWay) return;
    underWay = true;
    last = work().finally(() => {
      underWay = false;
    });
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return last;
    },
  };
}
