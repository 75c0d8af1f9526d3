import type { Job, WorkerEvents } from 'graphile-worker';
import type { Logger } from 'pino';
import { repeat } from '../../core/concurrency/repeat.ts';
import { messageOf } from '../../process/start.ts';
import type { LockedDispatch } from '../../store/attempts/dispatches.ts';

/** How long after an error the runner looks for orphaned dispatches … */
const DOUBT_MS = 20_000;
/** … and how often. A fetched dispatch takes much less time to be in hand or returned. */
const LOOK_EVERY_MS = 2_000;

export type OrphanedOptions = {
  log: Logger;
  /** The dispatches that graphile-worker has locked for these pools. */
  locked: (poolIds: string[]) => Promise<(LockedDispatch & { key: string | null })[]>;
  /** Returns dispatches that these pools have locked and not started. */
  returnDispatches: (poolIds: string[], dispatches: LockedDispatch[]) => Promise<void>;
};

type OrphanedDispatches = {
  /** Call it after an error. */
  doubt(): void;
  stop(): Promise<void>;
};

/**
 * Returns orphaned dispatches. If the answer to a fetch is lost, the fetched dispatches are locked
 * but not in hand, and graphile-worker's own expiry is 4 hours. So for DOUBT_MS after an error, a
 * dispatch that is locked for our pools and not in hand at two looks in a row is returned.
 */
export function returnOrphaned(
  { log, locked, returnDispatches }: OrphanedOptions,
  pools: ReadonlySet<{ readonly id: string; keys(): string[] }>,
): OrphanedDispatches {
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
    const orphaned = unheld.filter((dispatch) => before.has(fetchOf(dispatch)));
    if (orphaned.length === 0) return;
    await returnDispatches(poolIds, orphaned);
    log.warn({ count: orphaned.length }, 'returned orphaned dispatches: they were locked and not in hand');
  }

  const looking = repeat(
    () =>
      look().catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'could not look for orphaned dispatches: trying again');
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

/** A key that distinguishes one fetch of a dispatch from the next. */
function fetchOf({ jobId, lockedAt }: LockedDispatch): string {
  return `${jobId} ${lockedAt}`;
}

/**
 * Takes from a pool its prefetched dispatches: those that stayed too long in its local queue, and
 * those that it still has when it leaves. `requeue` must not fail.
 *
 * graphile-worker 0.18 would return them itself, but fails when Postgres is away. If nothing else
 * is in progress, the rejected promise is lost (`LocalQueue.background` throws) and ends the
 * process; or the pool fails to return them and never ends. It does nothing if the queue is empty,
 * and it emits these events before it looks.
 */
export function takePrefetched(events: WorkerEvents, requeue: (dispatches: LockedDispatch[]) => void): void {
  const take = (jobs: Job[]): void => {
    const dispatches = jobs.splice(0).map(toDispatch);
    if (dispatches.length > 0) requeue(dispatches);
  };
  events.on('localQueue:setMode', ({ localQueue, newMode }) => {
    if (newMode === 'TTL_EXPIRED' || newMode === 'RELEASED') take(localQueue.jobQueue);
  });
  events.on('localQueue:getJobs:complete', ({ localQueue, jobs }) => {
    if (localQueue.mode === 'RELEASED') take(jobs);
  });
}

function toDispatch({ id, locked_at }: Job): LockedDispatch {
  // A text, because of our parsers.
  return { jobId: id, lockedAt: new Date(locked_at ?? 0).toISOString() };
}
