import { type Database, retryTransient } from './pool.ts';
import { type Submission, type Submitted, type TaskReference, toItems } from './submit.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';

/** Whether a submission makes a task and nothing besides: no steps, no callback, no child. */
export function isPlain({ steps, callbackUrl, callbackOf, parentId }: Submission): boolean {
  return !steps && !callbackUrl && !callbackOf && !parentId;
}

/**
 * Submits plain tasks by one statement as long as they are new: gives each whole, in order, or null for one that
 * meets a duplicate, which is then a matter for `submitTasks`. It costs Postgres half of that. The crash at each line
 * is the same: nothing exists before the commit, and after it the caller's retry meets its own task. Relies on
 * tasks_dedup_hash_key.
 */
export async function submitNew(
  database: Database,
  submissions: readonly Submission[],
): Promise<(Task | null)[]> {
  type Row = { ordinal: number } & Task;
  const { rows } = await retryTransient(() =>
    database.query<Row>({
      name: 'submit_new',
      text: SUBMIT_NEW,
      values: [JSON.stringify(toItems(submissions))],
    }),
  );
  const tasks: (Task | null)[] = submissions.map(() => null);
  for (const { ordinal, ...task } of rows) tasks[ordinal - 1] = task;
  return tasks;
}

/** Submits plain tasks that nothing can be a duplicate of, by one statement, and gives the id and the state of each. */
export async function submitNewBatch(
  database: Database,
  submissions: readonly Submission[],
): Promise<Submitted<TaskReference>[]> {
  const { rows } = await retryTransient(() =>
    database.query<TaskReference>({
      name: 'submit_new_batch',
      text: SUBMIT_NEW_BATCH,
      values: [JSON.stringify(toItems(submissions))],
    }),
  );
  return rows.map((task) => ({ outcome: 'created', task }));
}

/** Gives these columns of `t`, the new tasks, and of `g`, the items that they were made of. */
function submitNewSql(columns: string): string {
  return `
    with given as materialized (
      select i.*,
             uuidv7() as id,
             errand.dedup_hash(i.name, i.dedup, i.dedup_key, i.payload) as dedup_hash,
             coalesce(i.due_at, now() + make_interval(secs => coalesce(i.delay_ms, 0) / 1000)) as run_at
        from rows from (jsonb_to_recordset($1::jsonb) as (
               name text, version text, payload jsonb, priority smallint, max_attempts integer, ring uuid,
               due_at timestamptz, delay_ms float8, dedup text, dedup_key text, dedup_window_ms float8,
               tags text[], initiator text, source_system text, reason text, request_id text, traceparent text
             )) with ordinality as i (
               name, version, payload, priority, max_attempts, ring,
               due_at, delay_ms, dedup, dedup_key, dedup_window_ms,
               tags, initiator, source_system, reason, request_id, traceparent, ordinal
             )
    ),
    t as (
      insert into errand.tasks (
               id, name, version, state, priority, max_attempts, ring, run_at, payload,
               dedup, dedup_key, dedup_hash, dedup_until,
               tags, initiator, source_system, reason, request_id, traceparent)
      select id, name, version, case when run_at > now() then 'scheduled' else 'queued' end,
             priority, max_attempts, ring, run_at, payload,
             dedup, dedup_key, dedup_hash,
             case when dedup is not null then now() + make_interval(secs => dedup_window_ms / 1000) end,
             coalesce(tags, '{}'), initiator, source_system, reason, request_id, traceparent
        from given
       -- One order for all submitters, so that two groups with the same keys wait and never deadlock.
       order by dedup_hash, ordinal
      on conflict (dedup_hash) where dedup_hash is not null do nothing
      returning *
    ),
    rings as (
      select errand.ring_spec(ring, name, priority, run_at, array_agg(id order by id)) as spec
        from t
       group by ring, name, priority, run_at
    ),
    rung as (
      select graphile_worker.add_jobs(array_agg(spec)) from rings having count(*) > 0
    )
    select ${columns}
      from t
      join given g using (id)
     where (select count(*) from rung) >= 0 -- makes Postgres run it`;
}

const SUBMIT_NEW = submitNewSql(`g.ordinal, ${TASK_COLUMNS}`);
const SUBMIT_NEW_BATCH = `${submitNewSql('t.id, t.state')} order by g.ordinal`;
