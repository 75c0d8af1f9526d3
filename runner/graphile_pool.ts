import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
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
import { versionOfIdentifier } from '../core/ring_identifier.ts';
import type { Ring } from '../store/begin.ts';
import type { LockedRing } from '../store/rings.ts';
import { takeUnbegun } from './unbegun.ts';

/** NOTIFY brings new work at once; polling brings what falls due later, and what a lost notification announced. */
const POLL_INTERVAL_MS = 1_000;
/**
 * No ring has it, because the name of a task has a dot. graphile-worker takes an empty list of names for an error,
 * and all that a runner can execute may be paused.
 */
const NO_TASK = 'none';
/** Its last batches are written within milliseconds, if they are. */
const STUCK_AFTER_MS = 2_000;
/** Rings that were fetched and not begun go back after this time, so that an idle runner gets them. */
const LOCAL_QUEUE_TTL_MS = 100;

export type GraphilePoolOptions = {
  pgPool: Pool;
  log: Logger;
  /** The definitions that this runner can execute; it fetches rings of no others (specification T7). */
  taskNames: string[];
  /** The names of rings that older runners have left and this one may begin, with those of their tasks. */
  left: () => ReadonlyMap<string, string>;
  /** Rings of these it does not fetch; those that it has fetched are worked through. */
  isPaused: (taskName: string) => boolean;
  /** How many rings are in hand at a time. */
  concurrency: number;
  work: (ring: Ring) => Promise<void>;
  /** Gives rings back that these pools have locked and not begun. */
  returnRings: (poolIds: string[], rings: LockedRing[]) => Promise<void>;
  /** Notes a pool as this runner's. It fetches nothing before that is written. */
  register: (poolId: string) => Promise<void>;
};

/** One pool of graphile-worker, from its start until it has left. */
export type GraphilePool = {
  readonly id: string;
  /** The keys of the rings that it works through. */
  keys(): string[];
  isFetching(): boolean;
  /** To be called when `isPaused` or `left` may say something else than before: the next fetch, which is at once, goes by it. */
  namesChanged(): void;
  leave(why: string): void;
  /** Resolves when it begins to leave, asked to or not: from then on it fetches nothing. */
  readonly leaving: Promise<void>;
  /** Resolves when it has left and its rings in hand are done, with what went wrong, or null. */
  readonly left: Promise<unknown>;
};

/**
 * Starts a pool. `onTrouble` hears of each error of its own, after which rings may be locked for it that it does not
 * know of. One that errs before its first fetch is of no use: it keeps a failure to look its task names up, and would
 * never fetch. So it leaves. The same holds when the names have changed.
 */
export function startGraphilePool(options: GraphilePoolOptions, onTrouble: () => void): GraphilePool {
  const { log } = options;
  const hands = new Set<{ key: string; done: Promise<void> }>();
  const events: WorkerEvents = new EventEmitter();
  const leaving = once(events, 'pool:gracefulShutdown');
  let unprovenFetches = 1;
  events.on('localQueue:getJobs:complete', () => {
    unprovenFetches--;
  });
  const returning = new Set<Promise<void>>();
  takeUnbegun(events, (rings) => {
    const returned = options
      .returnRings([pool.id], rings)
      .catch((error: unknown) => {
        log.error({ err: error, pool_id: pool.id }, 'could not give rings back: they are looked for');
        onTrouble();
      })
      .finally(() => returning.delete(returned));
    returning.add(returned);
  });

  async function work(payload: unknown, { job }: { job: RingJob }): Promise<void> {
    const ring = parseRing(job, payload);
    if (ring === null) return log.error({ key: job.key, payload }, 'dropped a job that is no ring');
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
    if (unprovenFetches > 0) queueMicrotask(() => leave('it failed before it fetched by its task names'));
  }

  const list = taskList(options, work);
  const pool = runPool(options, list.tasks, { events, onError });
  const ended = pool.promise.then(
    () => null,
    (error: unknown) => error,
  );
  const begunToLeave = Promise.race([leaving, ended.then(() => {})]);
  return {
    id: pool.id,
    keys: () => [...hands].map(({ key }) => key),
    isFetching: () => pool._active,
    namesChanged() {
      if (!list.update()) return;
      // One may be under way with the old names.
      unprovenFetches = 2;
      pool.nudge(1);
    },
    leave,
    leaving: begunToLeave,
    left: begunToLeave.then(async () => {
      while (hands.size > 0) await Promise.allSettled([...hands].map(({ done }) => done));
      await Promise.allSettled(returning);
      return Promise.race([ended, stuck()]);
    }),
  };
}

/**
 * What is wrong with a pool that has nothing in hand and still does not end. graphile-worker 0.18 counts what it still
 * has to write, and when several batches have failed, the count is below 0 and never becomes that. What it has not
 * written is to delete rings that are done, and these are dropped when they are seen.
 */
async function stuck(): Promise<Error> {
  await pause(STUCK_AFTER_MS, undefined, { ref: false });
  return new Error(`It did not end within ${STUCK_AFTER_MS} ms after its last ring`);
}

/**
 * The tasks of a pool. graphile-worker looks at each fetch which names its list has, and for each job which function
 * it has for it. So a paused name stays in the list and is only hidden from who asks for all of them: nothing has to
 * be stopped or started for a pause, and the other names never notice it. `update` gives whether any has changed.
 */
function taskList(
  { taskNames, left, isPaused }: GraphilePoolOptions,
  work: TaskList[string],
): { tasks: TaskList; update: () => boolean } {
  const tasks: TaskList = { [NO_TASK]: work };
  function update(): boolean {
    let changed = false;
    for (const [identifier, name] of [...taskNames.map((own) => [own, own] as const), ...left()]) {
      const enumerable = !isPaused(name);
      changed ||= Object.prototype.propertyIsEnumerable.call(tasks, identifier) !== enumerable;
      Object.defineProperty(tasks, identifier, { value: work, enumerable, configurable: true });
    }
    return changed;
  }
  update();
  return { tasks, update };
}

function once(events: WorkerEvents, name: 'pool:gracefulShutdown'): Promise<void> {
  return new Promise((resolve) => {
    events.once(name, () => resolve());
  });
}

function runPool(
  options: GraphilePoolOptions,
  tasks: TaskList,
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
    tasks,
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

type RingJob = { key: string | null; task_identifier: string };

function parseRing({ key, task_identifier: identifier }: RingJob, payload: unknown): Ring | null {
  const parsed = ringSchema.safeParse({ key, taskIds: payload });
  return parsed.success ? { ...parsed.data, needs: versionOfIdentifier(identifier) } : null;
}

/** graphile-worker's «info» tells of every job, which our own lines tell better. */
function logTo(log: Logger, level: string, message: string, meta: unknown): void {
  const error = typeof meta === 'object' && meta !== null && 'error' in meta ? meta.error : undefined;
  if (level === 'error') log.error({ err: error }, message);
  else if (level === 'warning') log.warn({ err: error }, message);
  else log.trace(message);
}
