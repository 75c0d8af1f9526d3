import { setTimeout as pause } from 'node:timers/promises';
import { type AstrayOptions, returnAstray } from './astray.ts';
import { type GraphilePool, type GraphilePoolOptions, startGraphilePool } from './graphile_pool.ts';

/** Between a pool that gave up and the next. */
const RESTART_DELAY_MS = 1_000;

export type RingPoolOptions = GraphilePoolOptions &
  AstrayOptions & {
    /** Gives back what graphile-worker had locked for a pool that is gone. */
    unlock: (poolId: string) => Promise<void>;
  };

export type RingPool = {
  /** Whether a graphile-worker pool is fetching right now. */
  isFetching(): boolean;
  /** To be called when `isPaused` or `left` may say something else than before. */
  namesChanged(): void;
  /** Rings that are being worked through. */
  inHand(): number;
  /** Stops fetching, returns what was not begun, and resolves when the rings in hand are done. */
  stop(): Promise<void>;
};

/**
 * Runs a graphile-worker pool and replaces it when it leaves without being asked to: its promise RESOLVES on some
 * fatal errors (graphile/worker#635) and batched completion does not retry (#636), so any end is taken for a
 * crash. The next one starts while the rings of the last are still in hand; these are unlocked when they are done.
 */
export function startRingPool(options: RingPoolOptions): RingPool {
  const { log } = options;
  const pools = new Set<GraphilePool>();
  const stopping = new AbortController();
  let current: GraphilePool | null = null;
  const astray = returnAstray(options, pools);

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
      const pool = startGraphilePool(options, astray.doubt);
      pools.add(pool);
      current = pool;
      await pool.leaving;
      retiring.push(retire(pool));
      if (stopping.signal.aborted) break;
      astray.doubt();
      log.error({ pool_id: pool.id }, 'the graphile-worker pool left by itself: starting another');
      await pause(RESTART_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
    await Promise.all(retiring);
  }

  const supervision = supervise().catch((error: unknown) => {
    // Nothing can heal this: rejected and unhandled it ends the process, and whoever watches it starts another.
    log.fatal({ err: error }, 'supervising the pool failed');
    throw error;
  });
  return {
    isFetching: () => current?.isFetching() === true && !stopping.signal.aborted,
    namesChanged: () => current?.namesChanged(),
    inHand: () => [...pools].reduce((sum, pool) => sum + pool.keys().length, 0),
    async stop() {
      stopping.abort();
      current?.leave('the runner is stopping');
      await supervision;
      await astray.stop();
    },
  };
}
