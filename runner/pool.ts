import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../process/start.ts';
import { type GraphilePool, type GraphilePoolOptions, startGraphilePool } from './graphile_pool.ts';

/** Between a pool that gave up and the next. */
const RESTART_DELAY_MS = 1_000;
/** For so long after an error it is looked, this often, for rings that are locked and in nobody's hands. */
const DOUBT_MS = 20_000;
const RECLAIM_EVERY_MS = 2_000;

export type RingPoolOptions = GraphilePoolOptions & {
  /** Gives back what graphile-worker had locked for a pool that is gone. */
  unlock: (poolId: string) => Promise<void>;
  /** Gives back what it has locked for a while for these pools, but for the rings in hand, and gives how many. */
  reclaim: (poolIds: string[], keysInHand: string[]) => Promise<number>;
};

export type RingPool = {
  /** Whether a graphile-worker pool is fetching right now. */
  isFetching(): boolean;
  /** To be called when `isPaused` may say something else than before. */
  pausesChanged(): void;
  /** Rings that are being worked through. */
  inHand(): number;
  /** Stops fetching, returns what was not begun, and resolves when the rings in hand are done. */
  stop(): Promise<void>;
};

/**
 * Runs a graphile-worker pool and replaces it when it leaves without being asked to: its promise RESOLVES on some
 * fatal errors (graphile/worker#635) and batched completion does not retry (#636), so any end is taken for a
 * crash. The next one starts while the rings of the last are still in hand; these are unlocked when they are done.
 *
 * A fetch whose answer is lost has locked rings that nobody has. So after an error the rings that are locked for our
 * pools and not in hand are given back, too.
 */
export function startRingPool(options: RingPoolOptions): RingPool {
  const { log } = options;
  const pools = new Set<GraphilePool>();
  const stopping = new AbortController();
  let current: GraphilePool | null = null;
  let doubtUntil = 0;

  function onTrouble(): void {
    doubtUntil = performance.now() + DOUBT_MS;
  }

  async function reclaim(): Promise<void> {
    if (performance.now() > doubtUntil) return;
    const known = [...pools];
    try {
      const count = await options.reclaim(
        known.map(({ id }) => id),
        known.flatMap((pool) => pool.keys()),
      );
      if (count > 0) log.warn({ count }, 'gave back rings that were locked and that nobody had in hand');
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not give rings back: trying again');
    }
  }

  async function retire(pool: GraphilePool): Promise<void> {
    const error = await pool.left;
    if (error !== null) log.error({ err: error, pool_id: pool.id }, 'a graphile-worker pool failed');
    try {
      await options.unlock(pool.id);
      pools.delete(pool);
    } catch (cause) {
      log.error({ err: cause, pool_id: pool.id }, 'could not unlock the rings of a pool that is gone');
    }
  }

  async function supervise(): Promise<void> {
    const retiring: Promise<void>[] = [];
    while (!stopping.signal.aborted) {
      const pool = startGraphilePool(options, onTrouble);
      pools.add(pool);
      current = pool;
      await pool.leaving;
      retiring.push(retire(pool));
      if (stopping.signal.aborted) break;
      onTrouble();
      log.error({ pool_id: pool.id }, 'the graphile-worker pool left by itself: starting another');
      await pause(RESTART_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
    await Promise.all(retiring);
  }

  const reclaiming = repeat(reclaim, RECLAIM_EVERY_MS);
  const supervision = supervise().catch((error: unknown) => {
    // Nothing can heal this: rejected and unhandled it ends the process, and whoever watches it starts another.
    log.fatal({ err: error }, 'supervising the pool failed');
    throw error;
  });
  return {
    isFetching: () => current?.isFetching() === true && !stopping.signal.aborted,
    pausesChanged: () => current?.pausesChanged(),
    inHand: () => [...pools].reduce((sum, pool) => sum + pool.keys().length, 0),
    async stop() {
      stopping.abort();
      current?.leave('the runner is stopping');
      await supervision;
      await reclaiming.stop();
    },
  };
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
