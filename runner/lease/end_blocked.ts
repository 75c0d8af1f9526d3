import { type Backoff, backoffMs } from '../../core/definitions/policy.ts';
import { handOver, tasksOfAttempts } from '../../store/attempts/hand_over.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import type { Database } from '../../store/database/pool.ts';
import { AttemptAborted, abortRecord } from '../execute/attempt.ts';
import type { SeenAttempt } from '../execute/loop_table.ts';

/** An attempt that ran longer than its timeout and grace, and how long it ran. */
export type Overdue = SeenAttempt & { ranMs: number };

/**
 * Ends this process, whose event loop is blocked, from the thread of the lease. It records that the
 * `guilty` attempts timed out and hands over everything else. Returns only if Postgres did not get
 * that; the lease is then kept, and the caller tries again.
 */
export async function endBlocked(
  database: Database,
  runner: { id: number; graceMs: number; backoffs: ReadonlyMap<string, Backoff> },
  guilty: Overdue[],
): Promise<void> {
  const tasks = await tasksOfAttempts(
    database,
    guilty.map(({ id }) => id),
  );
  const outcomes = tasks.flatMap((task) => {
    const attempt = guilty.find(({ id }) => id === task.id);
    return attempt === undefined ? [] : [timedOut(task, attempt, runner)];
  });
  const message = 'Another task blocked the event loop of the runner, so the runner was ended';
  await handOver(database, runner.id, outcomes, abortRecord(new AttemptAborted('interrupted', message)));
  process.kill(process.pid, 'SIGKILL');
}

function timedOut(
  task: { id: string; name: string; priority: number; parentId: string | null; hasChildren: boolean },
  { dispatchId, attempt, limitMs, ranMs }: Overdue,
  { graceMs, backoffs }: { graceMs: number; backoffs: ReadonlyMap<string, Backoff> },
): Outcome {
  const text = `The attempt took longer than ${limitMs - graceMs} ms: it blocked the event loop and did not come back, so its process was ended`;
  const backoff = backoffs.get(task.name);
  return {
    ...task,
    ...{ dispatchId, attempt, durationMs: ranMs, lines: [], progress: null },
    kind: 'timed_out',
    error: abortRecord(new AttemptAborted('timed_out', text)),
    retryInMs: backoff === undefined ? 0 : backoffMs(backoff, attempt, Math.random()),
  };
}
