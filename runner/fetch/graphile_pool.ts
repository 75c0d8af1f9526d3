import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Logger as GraphileLogger,
  runTaskList,
  type TaskList,
  type WorkerEvents,
  type WorkerPool,
} from 'graphile-worker';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';
import { versionOfIdentifier } from '../../core/dispatch_identifier.ts';
import type { LockedDispatch } from '../../store/attempts/dispatches.ts';
import type { Dispatch } from '../../store/attempts/load.ts';
import { schemasOf } from '../../store/database/schemas.ts';
import { gate } from './graphile_connections.ts';
import { takePrefetched } from './unstarted.ts';

/**
 * NOTIFY brings new work at once. Polling brings work that falls due later, and work whose
 * notification was lost.
 */
const POLL_INTERVAL_MS = 1_000;
/**
 * No dispatch has this name, because every task name has a dot. graphile-worker rejects an empty
 * list of names, but everything that a runner can execute may be paused.
 */
const NO_TASK = 'none';
/** graphile-worker writes its last batches within milliseconds, if at all. */
const STUCK_AFTER_MS = 2_000;
/** Prefetched dispatches are returned after this time, so that an idle runner gets them. */
const LOCAL_QUEUE_TTL_MS = 100;

export type GraphilePoolOptions = {
  pgPool: Pool;
  log: Logger;
  /** The names of the tasks that this runner can execute (specification T7). */
  taskNames: string[];
  /**
   * The identifiers of dispatches that older runners handed on and that this runner may start, with
   * the names of their tasks.
   */
  handedOn: () => ReadonlyMap<string, string>;
  /** Whether to fetch no dispatches of a name. Fetched ones are worked through. */
  isPaused: (taskName: string) => boolean;
  /** How many dispatches are in hand at a time. */
  concurrency: number;
  work: (dispatch: Dispatch) => Promise<void>;
  /** Returns dispatches that these pools have locked and not started. */
  returnDispatches: (poolIds: string[], dispatches: LockedDispatch[]) => Promise<void>;
  /** Registers a pool as this runner's. The pool fetches nothing before that is written. */
  register: (poolId: string) => Promise<void>;
};

/** One pool of graphile-worker, from its start until it has left. */
export type GraphilePool = {
  readonly id: string;
  /** The keys of the dispatches in hand. */
  keys(): string[];
  isFetching(): boolean;
  /**
   * Call it when the answers of `isPaused` or `handedOn` may have changed. The next fetch, which
   * follows at once, uses the new names.
   */
  namesChanged(): void;
  leave(why: string): void;
  /** Resolves when the pool starts to leave, asked or not: it then fetches nothing. */
  readonly leaving: Promise<void>;
  /**
   * Resolves when the pool has left and its dispatches in hand are done. Gives the error that ended
   * it, or null.
   */
  readonly done: Promise<unknown>;
};

/**
 * Starts a pool. `onTrouble` is called after each error of the pool, because dispatches may then be
 * locked for it that it does not know of. If the pool fails before a fetch with its current names
 * succeeded, it leaves: graphile-worker caches a failed lookup of the task names, so it would never
 * fetch. The same holds after the names have changed.
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
  takePrefetched(events, (dispatches) => {
    const returned = options
      .returnDispatches([pool.id], dispatches)
      .catch((error: unknown) => {
        log.error({ err: error, pool_id: pool.id }, 'could not return dispatches: looking for them');
        onTrouble();
      })
      .finally(() => returning.delete(returned));
    returning.add(returned);
  });

  async function work(payload: unknown, { job }: { job: DispatchJob }): Promise<void> {
    const dispatch = parseDispatch(job, payload);
    if (dispatch === null)
      return log.error({ key: job.key, payload }, 'dropped a job that is not a dispatch');
    const hand = { key: dispatch.key, done: options.work(dispatch) };
    hands.add(hand);
    // graphile-worker reads a returned array as the outcome of a batch job, so return nothing.
    await hand.done.finally(() => hands.delete(hand));
  }

  function leave(why: string): void {
    if (pool._shuttingDown) return;
    // The pool's own promise rejects with the same error.
    Promise.resolve(pool.gracefulShutdown(why)).catch(() => {});
  }

  function onError(): void {
    onTrouble();
    // Not at once: the error may be reported while the pool is still being created.
    if (unprovenFetches > 0) queueMicrotask(() => leave('it failed before its first fetch'));
  }

  const list = taskList(options, work);
  const pool = runPool(options, list.tasks, { events, onError });
  const ended = pool.promise.then(
    () => null,
    (error: unknown) => error,
  );
  const leavingOrEnded = Promise.race([leaving, ended.then(() => {})]);
  return {
    id: pool.id,
    keys: () => [...hands].map(({ key }) => key),
    isFetching: () => pool._active,
    namesChanged() {
      if (!list.update()) return;
      // A fetch with the old names may be in progress.
      unprovenFetches = 2;
      pool.nudge(1);
    },
    leave,
    leaving: leavingOrEnded,
    done: leavingOrEnded.then(async () => {
      while (hands.size > 0) await Promise.allSettled([...hands].map(({ done }) => done));
      await Promise.allSettled(returning);
      return Promise.race([ended, stuck()]);
    }),
  };
}

/**
 * The error of a pool that has nothing in hand and still does not end. graphile-worker 0.18 counts
 * its pending writes and ends when the count is 0. After several failed batches the count is
 * negative and never becomes 0. The lost writes would have deleted dispatches that are done; when
 * such a dispatch is fetched again, it is dropped.
 */
async function stuck(): Promise<Error> {
  await pause(STUCK_AFTER_MS, undefined, { ref: false });
  return new Error(`The pool did not end within ${STUCK_AFTER_MS} ms after its last dispatch`);
}

/**
 * The task list of a pool. At each fetch graphile-worker reads which names the list has, and for
 * each job it reads the function of its name. So a paused name stays in the list but is not
 * enumerable: a pause needs no restart and does not affect other names. `update` gives whether a
 * name has changed.
 */
function taskList(
  { taskNames, handedOn, isPaused }: GraphilePoolOptions,
  work: TaskList[string],
): { tasks: TaskList; update: () => boolean } {
  const tasks: TaskList = { [NO_TASK]: work };
  function update(): boolean {
    let changed = false;
    for (const [identifier, name] of [...taskNames.map((own) => [own, own] as const), ...handedOn()]) {
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
  listeners: { events: WorkerEvents; onError: () => void },
): WorkerPool {
  const { log } = options;
  const worker = {
    schema: schemasOf(options.pgPool.options).worker,
    concurrentJobs: options.concurrency,
    pollInterval: POLL_INTERVAL_MS,
    localQueue: { size: options.concurrency, ttl: LOCAL_QUEUE_TTL_MS },
    completeJobBatchDelay: 1,
    failJobBatchDelay: 1,
    // Our own drain decides when running attempts are aborted, so graphile-worker's abort signal is
    // not used.
    gracefulShutdownAbortTimeout: 2_147_483_647,
  };
  const { promise: registered, resolve: open, reject: close } = Promise.withResolvers<void>();
  registered.catch(() => {});
  const logger = new GraphileLogger(() => (level, message, meta) => {
    logTo(log, level, message, meta);
    if (level === 'error') listeners.onError();
  });
  const pool = runTaskList(
    // Errand handles the signals and the drain.
    { preset: { worker }, noHandleSignals: true, logger, events: listeners.events },
    tasks,
    gate(options.pgPool, registered),
  );
  options.register(pool.id).then(open, (error: unknown) => {
    log.error({ err: error, pool_id: pool.id }, 'could not register a pool: it fetches nothing');
    close(error);
  });
  return pool;
}

const dispatchSchema = z.object({ key: z.uuid(), taskIds: z.array(z.uuid()) });

type DispatchJob = { key: string | null; task_identifier: string };

function parseDispatch({ key, task_identifier: identifier }: DispatchJob, payload: unknown): Dispatch | null {
  const parsed = dispatchSchema.safeParse({ key, taskIds: payload });
  return parsed.success ? { ...parsed.data, needs: versionOfIdentifier(identifier) } : null;
}

/**
 * Logs a line of graphile-worker. Its info lines report every job, which our own lines do better,
 * so they are logged as trace.
 */
function logTo(log: Logger, level: string, message: string, meta: unknown): void {
  const error = typeof meta === 'object' && meta !== null && 'error' in meta ? meta.error : undefined;
  if (level === 'error') log.error({ err: error }, message);
  else if (level === 'warning') log.warn({ err: error }, message);
  else log.trace(message);
}
