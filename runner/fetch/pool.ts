import { setTimeout as pause } from 'node:timers/promises';
import { type GraphilePool, type GraphilePoolOptions, startGraphilePool } from './graphile_pool.ts';
import { type OrphanedOptions, returnOrphaned } from './unstarted.ts';

/** The delay between a pool that failed and the next one. */
const RESTART_DELAY_MS = 1_000;

export type DispatchPoolOptions = GraphilePoolOptions &
  OrphanedOptions & {
    /** Returns the dispatches that graphile-worker had locked for a pool that has left. */
    unlock: (poolId: string) => Promise<void>;
  };

export type DispatchPool = {
  /** Whether a graphile-worker pool fetches right now. */
  isFetching(): boolean;
  /** Call it when the answers of `isPaused` or `handedOn` may have changed. */
  namesChanged(): void;
  /** How many dispatches are being worked through. */
  inHand(): number;
  /**
   * Stops fetching, returns prefetched dispatches, and resolves when the dispatches in hand are
   * done.
   */
  stop(): Promise<void>;
};

/**
 * Runs a graphile-worker pool and replaces it when it leaves without being asked to. The promise of
 * a pool RESOLVES on some fatal errors (graphile/worker#635), and batched completion does not retry
 * (#636), so any end counts as a crash. The next pool starts while the dispatches of the last one
 * are still in hand. These are unlocked when they are done.
 */
export function startDispatchPool(options: DispatchPoolOptions): DispatchPool {
  const { log } = options;
  const pools = new Set<GraphilePool>();
  const stopping = new AbortController();
  let current: GraphilePool | null = null;
  const orphaned = returnOrphaned(options, pools);

  async function retire(pool: GraphilePool): Promise<void> {
    const error = await pool.done;
    if (error !== null) log.error({ err: error, pool_id: pool.id }, 'a graphile-worker pool failed');
    try {
      await options.unlock(pool.id);
      pools.delete(pool);
    } catch (cause) {
      log.error({ err: cause, pool_id: pool.id }, 'could not unlock the dispatches of a pool that has left');
    }
  }

  async function supervise(): Promise<void> {
    const retiring: Promise<void>[] = [];
    while (!stopping.signal.aborted) {
      const pool = startGraphilePool(options, orphaned.doubt);
      pools.add(pool);
      current = pool;
      await pool.leaving;
      retiring.push(retire(pool));
      if (stopping.signal.aborted) break;
      orphaned.doubt();
      log.error({ pool_id: pool.id }, 'the graphile-worker pool ended unexpectedly: starting another');
      await pause(RESTART_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
    await Promise.all(retiring);
  }

  const supervision = supervise().catch((error: unknown) => {
    // Nothing here can repair this. The unhandled rejection ends the process, and its supervisor
    // starts another.
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
      await orphaned.stop();
    },
  };
}
