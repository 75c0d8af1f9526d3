import { type BatcherOptions, batcher } from '../../core/concurrency/batcher.ts';
import { inTurn } from '../../core/concurrency/in_turn.ts';
import { ErrandError } from '../../core/errors.ts';
import { taskIdAt } from '../../core/task_id.ts';
import {
  type Connections,
  isConnectionFailure,
  isLockTimeout,
  isPoolFull,
  isTimeout,
  isUnable,
} from '../../store/database/pool.ts';
import type { ServerClock } from '../../store/database/server_clock.ts';
import { type Submission, submitTasks } from '../../store/submit/submit.ts';
import { isPlain } from '../../store/submit/submit_new.ts';
import { submitRepeatable } from '../../store/submit/submit_repeatable.ts';
import type { Breaker } from '../capacity/breaker.ts';
import type { Api } from '../context.ts';

/**
 * The maximum number of single submissions in one statement, and of their bytes. A larger submission gets a
 * statement to itself.
 */
const GROUP = { maxItems: 100, maxWeight: 1_000_000 };
/** If a statement takes longer, later submissions do not wait for it. */
const SLOW_MS = 50;
/**
 * How long a statement waits for a lock. An application that submits the same task by SQL may hold it until
 * it commits. Another submission holds it for only a few milliseconds.
 */
const LOCK_WAIT_MS = 200;

export type GroupOptions = {
  pool: Connections;
  breaker: Breaker;
  /** The number of connections of the pool. */
  poolSize: number;
  clock: ServerClock;
  requestTimeoutMs: number;
};

/**
 * Submits tasks one by one for their callers, but writes tasks that arrive together by one statement.
 *
 * - If the statement fails, each task is tried alone, so that a task which Postgres refuses does not fail the
 *   others. But if the cause cannot be one of the tasks, they are not tried alone: a hundred more statements
 *   would only add load.
 * - If the statement meets a lock, each task is tried alone too, over a part of the connections. A task that
 *   waits for the lock is tried until the time limit of its request.
 * - If the statement is slow, or its connection silent, later submissions use another connection.
 *
 * Most submissions are new and plain, and go by a separate, cheaper statement. If it finds a duplicate, the
 * submission goes to the statement that handles duplicates.
 */
export function submitInGroups(options: GroupOptions): Api['submitOne'] {
  const { pool, breaker, clock, poolSize } = options;
  const apart = inTurn((work: () => Promise<unknown>) => work(), {
    parallel: Math.max(1, Math.floor(poolSize / 4)),
    isStuck: isLockTimeout,
    waitBudgetMs: options.requestTimeoutMs,
  });
  function inGroups<Result>(run: (submissions: Submission[]) => Promise<Result[]>) {
    const guarded = (submissions: Submission[]) => breaker.run(() => run(submissions));
    const limits: BatcherOptions<Submission, Result> = {
      ...GROUP,
      weightOf: ({ bytes = 0 }) => bytes,
      slow: { afterMs: SLOW_MS, parallel: Math.max(2, Math.floor(poolSize / 3)) },
      isolate: (error, size) => isLockTimeout(error) || (size > 1 && isCausedByOne(error)),
      alone: (submission) => apart(async () => (await guarded([submission]))[0]) as Promise<Result>,
    };
    return batcher(guarded, limits);
  }
  const asNew = inGroups((submissions) => submitRepeatable(pool, submissions, LOCK_WAIT_MS));
  const asAny = inGroups((submissions) => submitTasks(pool, submissions, LOCK_WAIT_MS));
  return async (submission) => {
    if (!isPlain(submission)) return asAny(submission);
    const now = clock.now();
    const task = await asNew(now === null ? submission : { ...submission, id: taskIdAt(now) });
    return task === null ? asAny(submission) : { outcome: 'created', task };
  };
}

/** Whether an error may be caused by one of several submissions. */
function isCausedByOne(error: unknown): boolean {
  const isGeneral = [isConnectionFailure, isPoolFull, isTimeout, isUnable].some((is) => is(error));
  return !isGeneral && !(error instanceof ErrandError);
}
