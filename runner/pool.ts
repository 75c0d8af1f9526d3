import { setTimeout } from 'node:timers/promises';
import { Logger as GraphileLogger, runTaskList, type TaskList, type WorkerPool } from 'graphile-worker';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Ring } from '../store/begin.ts';

/** NOTIFY brings new work at once; polling brings what falls due later, and what a lost notification announced. */
const POLL_INTERVAL_MS = 1_000;
/** Rings that were fetched and not begun go back after this time, so that an idle runner gets them. */
const LOCAL_QUEUE_TTL_MS = 1_000;
/** Between a pool that ended and the next. */
const RESTART_DELAY_MS = 1_000;

export type RingPoolOptions = {
  pgPool: Pool;
  log: Logger;
  /** The definitions that this runner can execute; it fetches rings of no others (specification T7). */
  taskNames: string[];
  /** How many rings are in hand at a time. */
  concurrency: number;
  work: (ring: Ring) => Promise<void>;
  /** Notes a pool as this runner's. It fetches nothing before that is written. */
  register: (poolId: string) => Promise<void>;
  /** Gives back what graphile-worker had locked for a pool that is gone. */
  unlock: (poolId: string) => Promise<void>;
};

export type RingPool = {
  /** Whether a graphile-worker pool is fetching right now. */
  isFetching(): boolean;
  /** Stops fetching, returns what was not begun, and resolves when the rings in hand are done. */
  stop(): Promise<void>;
};

/**
 * Runs a graphile-worker pool and replaces it when it ends without being asked to: its promise RESOLVES on some
 * fatal errors (graphile/worker#635) and batched completion does not retry (#636), so any end is taken for a
 * crash. The rings of the ended pool are unlocked once those in hand are done.
 */
export function startRingPool(options: RingPoolOptions): RingPool {
  const { log } = options;
  const inHand = new Set<Promise<void>>();
  let stopping = false;
  let current: WorkerPool | null = null;

  async function handle(payload: unknown, helpers: { job: { key: string | null } }): Promise<void> {
    const ring = parseRing(helpers.job.key, payload);
    if (ring === null) return log.error({ key: helpers.job.key, payload }, 'dropped a job that is no ring');
    const done = options.work(ring);
    inHand.add(done);
    // graphile-worker takes an array for the outcome of a batch job, so it gets nothing.
    await done.finally(() => inHand.delete(done));
  }

  async function supervise(): Promise<void> {
    while (!stopping) {
      const pool = startPool(options, handle);
      current = pool;
      const ended = await pool.promise.then(
        () => null,
        (error: unknown) => error,
      );
      current = null;
      if (stopping) return;
      log.error(
        { err: ended, pool_id: pool.id },
        'the graphile-worker pool ended by itself: starting another',
      );
      await Promise.allSettled([...inHand]);
      await options.unlock(pool.id);
      await setTimeout(RESTART_DELAY_MS);
    }
  }

  const supervision = supervise().catch((error: unknown) =>
    log.fatal({ err: error }, 'supervising the pool failed'),
  );
  return {
    isFetching: () => current?._active === true && !stopping,
    async stop() {
      stopping = true;
      const pool = current;
      if (pool !== null && !pool._shuttingDown) await pool.gracefulShutdown('the runner is stopping');
      await supervision;
      if (pool !== null) await options.unlock(pool.id);
    },
  };
}

function startPool(options: RingPoolOptions, handle: TaskList[string]): WorkerPool {
  const worker = {
    concurrentJobs: options.concurrency,
    pollInterval: POLL_INTERVAL_MS,
    localQueue: { size: options.concurrency, ttl: LOCAL_QUEUE_TTL_MS },
    completeJobBatchDelay: 1,
    failJobBatchDelay: 1,
    // Our own drain decides when running attempts are aborted; graphile-worker's signal is not passed on.
    gracefulShutdownAbortTimeout: 2_147_483_647,
  };
  const { promise: registered, resolve: openGate } = Promise.withResolvers<void>();
  const pool = runTaskList(
    {
      preset: { worker },
      // Our signals, our drain.
      noHandleSignals: true,
      logger: new GraphileLogger(() => (level, message, meta) => logTo(options.log, level, message, meta)),
    },
    Object.fromEntries(options.taskNames.map((name) => [name, handle])),
    gate(options.pgPool, registered),
  );
  options.register(pool.id).then(openGate, (error: unknown) => {
    options.log.error({ err: error, pool_id: pool.id }, 'a pool could not be registered and fetches nothing');
  });
  return pool;
}

/**
 * The pool, whose connections are given only when `opened` has resolved: graphile-worker makes up the id of its
 * pool itself and fetches at once, and recovery must know the id before the first ring is locked by it.
 */
function gate(pgPool: Pool, opened: Promise<void>): Pool {
  type Callback = (error: Error | undefined, client: PoolClient | undefined, release: () => void) => void;
  return Object.create(pgPool, {
    connect: {
      value: (callback?: Callback) => {
        if (callback === undefined) return opened.then(() => pgPool.connect());
        return void opened.then(() => pgPool.connect(callback));
      },
    },
  }) as Pool;
}

const ringSchema = z.object({ key: z.uuid(), taskIds: z.array(z.uuid()) });

function parseRing(key: string | null, payload: unknown): Ring | null {
  const parsed = ringSchema.safeParse({ key, taskIds: payload });
  return parsed.success ? parsed.data : null;
}

/** graphile-worker's «info» tells of every job, which our own lines tell better. */
function logTo(log: Logger, level: string, message: string, meta: unknown): void {
  const error = typeof meta === 'object' && meta !== null && 'error' in meta ? meta.error : undefined;
  if (level === 'error') log.error({ err: error }, message);
  else if (level === 'warning') log.warn({ err: error }, message);
  else log.trace(message);
}
