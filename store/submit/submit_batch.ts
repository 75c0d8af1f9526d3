import { type Connections, type Database, retryTransient } from '../database/pool.ts';
import { callSubmitted } from '../limits/call_submitted.ts';
import {
  type Submission,
  type SubmitOutcome,
  type Submitted,
  type TaskReference,
  toItems,
} from './submit.ts';
import { isPlain, submitNewBatch } from './submit_new.ts';

/**
 * The same as `submitTasks`, but gives only the id and state of each task: for batches of
 * thousands.
 */
export function submitBatch(
  database: Database,
  submissions: Submission[],
): Promise<Submitted<TaskReference>[]> {
  const areNew = submissions.every((one) => isPlain(one) && one.dedup.dedup === null);
  const submitting = areNew
    ? submitNewBatch(database, submissions)
    : retryTransient(() => insertBatch(database, submissions));
  return submitting.finally(() => callSubmitted(database, submissions));
}

async function insertBatch(
  database: Database,
  submissions: Submission[],
): Promise<Submitted<TaskReference>[]> {
  type Row = { outcome: SubmitOutcome } & TaskReference;
  const { rows } = await database.query<Row>({
    name: 'submit_batch',
    text: `
      select s.outcome, (s.task).id, (s.task).state
        from errand.submit_tasks($1::jsonb) s
       order by s.ordinal`,
    values: [JSON.stringify(toItems(submissions))],
  });
  return rows.map(({ outcome, id, state }) => ({
    outcome,
    task: outcome === 'conflict' ? null : { id, state },
  }));
}

/**
 * The same as `submitBatch`, but all or nothing: if one submission is in conflict, nothing is kept
 * and it gives null.
 */
export function submitBatchAtomically(
  pool: Connections,
  submissions: Submission[],
): Promise<Submitted<TaskReference>[] | null> {
  // Only an Idempotency-Key can be in conflict. Without one the statement alone is all or nothing.
  const mayConflict = submissions.some(({ dedup }) => dedup.dedup === 'idempotency_key');
  if (!mayConflict) return submitBatch(pool, submissions);
  return retryTransient(() => insertAtomically(pool, submissions)).finally(() =>
    callSubmitted(pool, submissions),
  );
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
    // The transaction ends with its session: a client in an unknown state must never be used again.
    broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(broken);
  }
}
