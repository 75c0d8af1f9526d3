import pRetry from 'p-retry';
import type { Dedup } from '../core/dedup.ts';
import type { StepRow } from '../core/graph.ts';
import { assignRings } from '../core/rings.ts';
import { type Connections, type Database, isTransient } from './pool.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';

/** A validated submission, ready for the ledger. At most one of `runAt` and `delayMs` is set. */
export type Submission = {
  name: string;
  version: string;
  payload: unknown;
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
  const rows = await retryTransient(() =>
    query<Row>(database, submissions, {
      name: 'submit_tasks',
      text: `
        select s.outcome, ${TASK_COLUMNS}
          from errand.submit_tasks($1::jsonb) s
         cross join lateral (select (s.task).*) t
         order by s.ordinal`,
    }),
  );
  return rows.map(({ outcome, ...task }) => ({ outcome, task: outcome === 'conflict' ? null : task }));
}

/** Like `submitTasks`, but gives only the id and the state of each: for batches of thousands. */
export function submitBatch(
  database: Database,
  submissions: Submission[],
): Promise<Submitted<TaskReference>[]> {
  return retryTransient(() => insertBatch(database, submissions));
}

async function insertBatch(
  database: Database,
  submissions: Submission[],
): Promise<Submitted<TaskReference>[]> {
  type Row = { outcome: SubmitOutcome } & TaskReference;
  const rows = await query<Row>(database, submissions, {
    name: 'submit_batch',
    text: `
      select s.outcome, (s.task).id, (s.task).state
        from errand.submit_tasks($1::jsonb) s
       order by s.ordinal`,
  });
  return rows.map(({ outcome, id, state }) => ({
    outcome,
    task: outcome === 'conflict' ? null : { id, state },
  }));
}

/** A deadlock with another statement undoes ours whole, so it is simply tried again. */
function retryTransient<T>(work: () => Promise<T>): Promise<T> {
  return pRetry(work, {
    retries: 5,
    minTimeout: 10,
    randomize: true,
    shouldRetry: ({ error }) => isTransient(error),
  });
}

async function query<Row extends object>(
  database: Database,
  submissions: Submission[],
  statement: { name: string; text: string },
): Promise<Row[]> {
  const values = [JSON.stringify(toItems(submissions))];
  const { rows } = await database.query<Row>({ ...statement, values });
  return rows;
}

/** The `items` of errand.submit_tasks. */
export function toItems(submissions: Submission[]): Record<string, unknown>[] {
  const ringed = assignRings(
    submissions,
    (item) => `${item.name} ${item.priority} ${item.runAt ?? ''} ${item.delayMs ?? 0}`,
  );
  return ringed.map(toColumns);
}

function toColumns(item: Submission & { ring: string }): Record<string, unknown> {
  return {
    name: item.name,
    version: item.version,
    payload: item.payload,
    priority: item.priority,
    max_attempts: item.maxAttempts,
    ring: item.ring,
    due_at: item.runAt,
    delay_ms: item.delayMs,
    dedup: item.dedup.dedup,
    dedup_key: item.dedup.key,
    dedup_window_ms: item.dedupWindowMs,
    tags: item.tags,
    initiator: item.initiator,
    source_system: item.sourceSystem,
    reason: item.reason,
    request_id: item.requestId,
    traceparent: item.traceparent,
    callback_url: item.callbackUrl,
    callback_of: item.callbackOf,
    parent_id: item.parentId ?? null,
    steps: item.steps,
  };
}

/**
 * Like `submitBatch`, but all or nothing: when one submission is in conflict, nothing is kept and it gives null.
 */
export function submitBatchAtomically(
  pool: Connections,
  submissions: Submission[],
): Promise<Submitted<TaskReference>[] | null> {
  // Only an Idempotency-Key can be in conflict. Without one the statement by itself is all or nothing.
  const mayConflict = submissions.some(({ dedup }) => dedup.dedup === 'idempotency_key');
  if (!mayConflict) return submitBatch(pool, submissions);
  return retryTransient(() => insertAtomically(pool, submissions));
}

async function insertAtomically(
  pool: Connections,
  submissions: Submission[],
): Promise<Submitted<TaskReference>[] | null> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const submitted = await insertBatch(client, submissions);
    const isConflict = submitted.some(({ outcome }) => outcome === 'conflict');
    await client.query(isConflict ? 'rollback' : 'commit');
    return isConflict ? null : submitted;
  } catch (error) {
    // The transaction ends with its session: a client in an unknown state is never given to others.
    broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(broken);
  }
}
