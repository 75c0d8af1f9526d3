import type { Dedup } from '../core/dedup.ts';
import type { StepRow } from '../core/graph.ts';
import { assignRings } from '../core/rings.ts';
import { type Database, retryTransient } from './pool.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';

/** A validated submission, ready for the ledger. At most one of `runAt` and `delayMs` is set. */
export type Submission = {
  name: string;
  version: string;
  payload: unknown;
  /** Roughly the size of the request that it came with: how many are written together. */
  bytes?: number;
  priority: number;
  maxAttempts: number;
  runAt: string | null;
  delayMs: number | null;
  dedup: Dedup;
  dedupWindowMs: number | null;
  tags: string[];
  initiator: string | null;
  sourceSystem: string | null;
  reason: string | null;
  requestId: string | null;
  traceparent: string | null;
  /** Where it is told how it ended. */
  callbackUrl?: string | null | undefined;
  /** Of a delivery: the task whose end it tells. */
  callbackOf?: string;
  /** The task that it is a child of. */
  parentId?: string | null;
  /** Of a workflow: what the rows of its steps are made from, in the order of their definition. */
  steps?: readonly StepRow[] | undefined;
};

export type SubmitOutcome = 'created' | 'duplicate' | 'rearmed' | 'conflict';

/** What became of one submission; `task` is null for a conflict. */
export type Submitted<T> = { outcome: SubmitOutcome; task: T | null };

/** What a batch tells of each of its tasks. */
export type TaskReference = Pick<Task, 'id' | 'state'>;

/**
 * Submits tasks in one statement and gives each whole, in order. The crash at each line: before the commit
 * nothing exists and the caller sees an error; after it, the caller's retry meets its own task as a duplicate.
 */
export async function submitTasks(database: Database, submissions: Submission[]): Promise<Submitted<Task>[]> {
  type Row = { outcome: SubmitOutcome } & Task;
  const { rows } = await retryTransient(() =>
    database.query<Row>({
      name: 'submit_tasks',
      text: `
        select s.outcome, ${TASK_COLUMNS}
          from errand.submit_tasks($1::jsonb) s
         cross join lateral (select (s.task).*) t
         order by s.ordinal`,
      values: [JSON.stringify(toItems(submissions))],
    }),
  );
  return rows.map(({ outcome, ...task }) => ({ outcome, task: outcome === 'conflict' ? null : task }));
}

/** The `items` of errand.submit_tasks. */
export function toItems(submissions: readonly Submission[]): Record<string, unknown>[] {
  const ringed = assignRings(
    submissions,
    (item) => `${item.name} ${item.priority} ${item.runAt ?? ''} ${item.delayMs ?? 0}`,
  );
  return ringed.map(toColumns);
}

/** What is null is left out: Postgres reads each key of each item, which was a third of what a batch cost (issue 7). */
function toColumns(item: Submission & { ring: string }): Record<string, unknown> {
  return {
    name: item.name,
    version: item.version,
    payload: item.payload,
    priority: item.priority,
    max_attempts: item.maxAttempts,
    ring: item.ring,
    due_at: item.runAt ?? undefined,
    delay_ms: item.delayMs ?? undefined,
    dedup: item.dedup.dedup ?? undefined,
    dedup_key: item.dedup.key ?? undefined,
    dedup_window_ms: item.dedupWindowMs ?? undefined,
    tags: item.tags.length > 0 ? item.tags : undefined,
    initiator: item.initiator ?? undefined,
    source_system: item.sourceSystem ?? undefined,
    reason: item.reason ?? undefined,
    request_id: item.requestId ?? undefined,
    traceparent: item.traceparent ?? undefined,
    callback_url: item.callbackUrl ?? undefined,
    callback_of: item.callbackOf,
    parent_id: item.parentId ?? undefined,
    steps: item.steps,
  };
}
