import { EventEmitter } from 'node:events';
import {
  Logger as GraphileLogger,
  runTaskList,
  type TaskList,
  type WorkerEvents,
  type WorkerPool,
} from 'graphile-worker';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Ring } from '../store/begin.ts';

/** NOTIFY brings new work at once; polling brings what falls due later, and what a lost notification announced. */
const POLL_INTERVAL_MS = 1_000;
/** Rings that were fetched and not begun go back after this time, so that an idle runner gets them. */
const LOCAL_QUEUE_TTL_MS = 1_000;

export type GraphilePoolOptions = {
  pgPool: Pool;
  log: Logger;
  /** The definitions that this runner can execute; it fetches rings of no others (specification T7). */
  taskNames: string[];
  /** How many rings are in hand at a time. */
  concurrency: number;
  work: (ring: Ring) => Promise<void>;
  /** Notes a pool as this runner's. It fetches nothing before that is written. */
  register: (poolId: string) => Promise<void>;
};

/** One pool of graphile-worker, from its start until it has left. */
export type GraphilePool = {
  readonly id: string;
  /** The keys of the rings that it works through. */
  keys(): string[];
  isFetching(): boolean;
  leave(why: string): void;
  /** Resolves when it begins to leave, asked to or not: from then on it fetches nothing. */
  readonly leaving: Promise<void>;
  /** Resolves when it has left and its rings in hand are done, with what went wrong, or null. */
  readonly left: Promise<unknown>;
};

/**
 * Starts a pool. `onTrouble` hears of each error of its own, after which rings may be locked for it that it does not
 * know of. One that errs before its first fetch is of no use: it keeps a failure to look its task names up, and would
 * never fetch. So it leaves.
 */
export function startGraphilePool(options: GraphilePoolOptions, onTrouble: () => void): GraphilePool {
  const { log } = options;
  const hands = new Set<{ key: string; done: Promise<void> }>();
  const events: WorkerEvents = new EventEmitter();
  const leaving = once(events, 'pool:gracefulShutdown');
  let hasFetched = false;
  events.once('localQueue:getJobs:complete', () => {
    hasFetched = true;
  });

  async function work(payload: unknown, helpers: { job: { key: string | null } }): Promise<void> {
    const ring = parseRing(helpers.job.key, payload);
    if (ring === null) return log.error({ key: helpers.job.key, payload }, 'dropped a job that is no ring');
    const hand = { key: ring.key, done: options.work(ring) };
    hands.add(hand);
    // graphile-worker takes an array for the outcome of a batch job, so it gets nothing.
    await hand.done.finally(() => hands.delete(hand));
  }

  function leave(why: string): void {
    if (pool._shuttingDown) return;
    // What goes wrong in it is also in the pool's own promise.
    Promise.resolve(pool.gracefulShutdown(why)).catch(() => {});
  }

  function onError(): void {
    onTrouble();
    // Not at once: it may be told of while the pool is being made.
    if (!hasFetched) queueMicrotask(() => leave('it failed before its first fetch'));
  }

  const pool = runPool(options, work, { events, onError });
  const ended = pool.promise.then(
    () => null,
    (error: unknown) => error,
  );
  return {
    id: pool.id,
    keys: () => [...hands].map(({ key }) => key),
    isFetching: () => pool._active,
    leave,
    leaving: Promise.race([leaving, ended.then(() => {})]),
    left: ended.then(async (error) => {
      await Promise.allSettled([...hands].map(({ done }) => done));
      return error;
    }),
  };
}

function once(events: WorkerEvents, name: 'pool:gracefulShutdown'): Promise<void> {
  return new Promise((resolve) => {
    events.once(name, () => resolve());
  });
}

function runPool(
  options: GraphilePoolOptions,
  work: TaskList[string],
  hear: { events: WorkerEvents; onError: () => void },
): WorkerPool {
  const { log } = options;
  const worker = {
    concurrentJobs: options.concurrency,
    pollInterval: POLL_INTERVAL_MS,
    localQueue: { size: options.concurrency, ttl: LOCAL_QUEUE_TTL_MS },
    completeJobBatchDelay: 1,
    failJobBatchDelay: 1,
    // Our own drain decides when running attempts are aborted; graphile-worker's signal is not passed on.
    gracefulShutdownAbortTimeout: 2_147_483_647,
  };
  const { promise: registered, resolve: open, reject: close } = Promise.withResolvers<void>();
  registered.catch(() => {});
  const logger = new GraphileLogger(() => (level, message, meta) => {
    logTo(log, level, message, meta);
    if (level === 'error') hear.onError();
  });
  const pool = runTaskList(
    // Our signals, our drain.
    { preset: { worker }, noHandleSignals: true, logger, events: hear.events },
    Object.fromEntries(options.taskNames.map((name) => [name, work])),
    gate(options.pgPool, registered),
  );
  options.register(pool.id).then(open, (error: unknown) => {
    log.error({ err: error, pool_id: pool.id }, 'a pool could not be registered and fetches nothing');
    close(error);
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
        return void opened.then(
          () => pgPool.connect(callback),
          (error: Error) => callback(error, undefined, () => {}),
        );
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
