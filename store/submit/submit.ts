import type { Dedup } from '../../core/definitions/dedup.ts';
import { assignDispatches } from '../../core/dispatches.ts';
import type { LimitKey } from '../../core/limits/key.ts';
import type { StepRow } from '../../core/workflows/graph.ts';
import { type Database, retryTransient } from '../database/pool.ts';
import { callSubmitted } from '../limits/call_submitted.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';

/**
 * A validated submission, ready for the ledger. Missing values are null; missing tags are empty. At
 * most one of `runAt` and `delayMs` is set.
 */
export type Submission = {
  /** The id of its task if `submitNew` makes it. Without one, Postgres makes the id. */
  id?: string | undefined;
  name: string;
  version: string;
  payload: unknown;
  /** About the size of its request, which limits how many are written together. */
  bytes?: number;
  priority: number;
  maxAttempts: number;
  runAt?: string | null;
  delayMs?: number | null;
  /** It ends `expired` unless it starts so long after it is due. */
  expiresInMs?: number | null | undefined;
  /** The key of the limits with keys, in place of what their functions give. */
  concurrencyKey?: string | null | undefined;
  /** How long an attempt may take, an integer, in place of the limit of its policy. */
  timeoutMs?: number | null | undefined;
  dedup: Dedup;
  dedupWindowMs?: number | null;
  tags?: readonly string[];
  initiator?: string | null;
  sourceSystem?: string | null;
  reason?: string | null;
  requestId: string | null;
  traceparent: string | null;
  /** The URL that is notified of its end. */
  callbackUrl?: string | null | undefined;
  /** For a delivery: the task whose end it reports. */
  callbackOf?: string;
  /**
   * The principal that submitted it, as in `submitted_by` of errand.tasks: `key:billing`,
   * `task:<id>`. Undefined if unknown.
   */
  submittedBy?: string | undefined;
  /**
   * Whether its submitter may read tasks. Only then its `callbackUrl` is notified of another
   * submitter's task if this is a duplicate of it.
   */
  mayRead?: boolean;
  /**
   * Whether its submitter may re-arm a task that an operator has ended, if this is a duplicate of
   * it.
   */
  mayOperate?: boolean;
  /**
   * The keys of its limits, if its submitter knows them and its tasks wait when these are full: then it
   * waits from the start.
   */
  limitKeys?: readonly Readonly<LimitKey>[] | undefined;
  /** The task that it is a child of. */
  parentId?: string | null;
  /** For a workflow: the source of its step rows, in the order of their definition. */
  steps?: readonly StepRow[] | undefined;
};

export type SubmitOutcome = 'created' | 'duplicate' | 'rearmed' | 'conflict' | 'debounced' | 'throttled';

/** The result of one submission. `task` is null for a conflict. */
export type Submitted<T> = { outcome: SubmitOutcome; task: T | null };

/** The reference to a task in the result of a batch. */
export type TaskReference = Pick<Task, 'id' | 'state'>;

/**
 * Submits tasks in one statement and gives the complete tasks, in order. After a crash before the
 * commit nothing exists and the caller sees an error; after the commit the caller's retry finds its
 * own task as a duplicate. With `lockTimeoutMs` it waits at most that long for each lock, then
 * throws 55P03.
 */
export async function submitTasks(
  database: Database,
  submissions: Submission[],
  lockTimeoutMs?: number,
): Promise<Submitted<Task>[]> {
  type Row = { outcome: SubmitOutcome } & Task;
  const { rows } = await retryTransient(() =>
    database.query<Row>({
      name: 'submit_tasks',
      // The condition is always true, but makes Postgres set the bound first.
      text: `
        with ${LOCK_BOUND}
        select s.outcome, ${TASK_COLUMNS}
          from bound
         cross join lateral errand.submit_tasks(case when bound.lock_timeout <> '' then $1::jsonb end) s
         cross join lateral (select (s.task).*) t
         order by s.ordinal`,
      values: [JSON.stringify(toItems(submissions)), lockTimeoutMs ?? null],
    }),
  );
  callSubmitted(database, submissions);
  return rows.map(({ outcome, ...task }) => ({ outcome, task: outcome === 'conflict' ? null : task }));
}

/**
 * Sets how long the transaction of this statement waits for each lock: `$2` in milliseconds, or
 * unchanged if that is null. An uncommitted submission of the same task holds such a lock.
 */
export const LOCK_BOUND = `bound as materialized (
      select set_config('lock_timeout', coalesce($2::text, current_setting('lock_timeout')), true) as lock_timeout
    )`;

/** The `items` of errand.submit_tasks. */
export function toItems(submissions: readonly Submission[]): Record<string, unknown>[] {
  const assigned = assignDispatches(
    submissions,
    // The dispatch of a debounced task is replaced each time that the task is moved.
    (item, index) =>
      item.dedup.dedup === 'debounce'
        ? `debounced ${index}`
        : `${item.name} ${item.priority} ${item.runAt ?? ''} ${item.delayMs ?? 0}`,
  );
  return assigned.map(toColumns);
}

/**
 * Leaves out null values: Postgres reads each key of each item, which was a third of the cost of a
 * batch (issue 7).
 */
function toColumns(item: Submission & { dispatchId: string }): Record<string, unknown> {
  return {
    id: item.id,
    name: item.name,
    version: item.version,
    payload: item.payload,
    priority: item.priority,
    max_attempts: item.maxAttempts,
    dispatch_id: item.dispatchId,
    due_at: item.runAt ?? undefined,
    delay_ms: item.delayMs ?? undefined,
    expires_in_ms: item.expiresInMs ?? undefined,
    concurrency_key: item.concurrencyKey ?? undefined,
    timeout_ms: item.timeoutMs ?? undefined,
    dedup: item.dedup.dedup ?? undefined,
    dedup_key: item.dedup.key ?? undefined,
    dedup_window_ms: windowMsOf(item) ?? undefined,
    ...(item.dedup.dedup === 'debounce'
      ? { debounce_ms: item.dedup.seconds * 1_000, debounce_max_ms: item.dedup.maxSeconds * 1_000 }
      : {}),
    tags: item.tags !== undefined && item.tags.length > 0 ? item.tags : undefined,
    initiator: item.initiator ?? undefined,
    source_system: item.sourceSystem ?? undefined,
    reason: item.reason ?? undefined,
    request_id: item.requestId ?? undefined,
    traceparent: item.traceparent ?? undefined,
    callback_url: item.callbackUrl ?? undefined,
    callback_of: item.callbackOf,
    submitted_by: item.submittedBy,
    may_read: item.mayRead === true ? true : undefined,
    may_operate: item.mayOperate === true ? true : undefined,
    parent_id: item.parentId ?? undefined,
    steps: item.steps,
    limit_keys: item.limitKeys,
  };
}

/** How long the hash of a submission is compared. That of a debounced one ends with its burst. */
function windowMsOf({ dedup, dedupWindowMs }: Submission): number | null | undefined {
  if (dedup.dedup === 'throttle') return dedup.seconds * 1_000;
  return dedup.dedup === 'debounce' ? null : dedupWindowMs;
}
