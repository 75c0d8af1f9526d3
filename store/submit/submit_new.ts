import { type Database, retryTransient } from '../database/pool.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';
import { addDispatches } from './add_dispatches.ts';
import { LOCK_BOUND, type Submission, type Submitted, type TaskReference, toItems } from './submit.ts';

/**
 * Whether a submission makes only a task: no steps, no callback, no child. One that is debounced may
 * have to free its key first.
 */
export function isPlain({ steps, callbackUrl, callbackOf, parentId, dedup }: Submission): boolean {
  return !steps && !callbackUrl && !callbackOf && !parentId && dedup.dedup !== 'debounce';
}

/**
 * Submits plain tasks in one statement, if they are new. Gives the complete tasks, in order, or
 * null for a duplicate, which the caller then submits with `submitTasks`. It costs Postgres half as
 * much. A crash has the same effect: before the commit nothing exists, and after it the caller's
 * retry finds its own task. Uses tasks_dedup_hash_key. With `lockTimeoutMs` it waits at most that
 * long for each lock, then throws 55P03.
 */
export async function submitNew(
  database: Database,
  submissions: readonly Submission[],
  lockTimeoutMs?: number,
): Promise<(Task | null)[]> {
  type Row = { ordinal: number } & Task;
  const { rows } = await retryTransient(() =>
    database.query<Row>({
      name: 'submit_new',
      text: SUBMIT_NEW,
      values: [JSON.stringify(toItems(submissions)), lockTimeoutMs ?? null],
    }),
  );
  const tasks: (Task | null)[] = submissions.map(() => null);
  for (const { ordinal, ...task } of rows) tasks[ordinal - 1] = task;
  return tasks;
}

/**
 * Submits plain tasks that cannot be duplicates, in one statement. Gives the id and state of each.
 */
export async function submitNewBatch(
  database: Database,
  submissions: readonly Submission[],
): Promise<Submitted<TaskReference>[]> {
  const { rows } = await retryTransient(() =>
    database.query<TaskReference>({
      name: 'submit_new_batch',
      text: SUBMIT_NEW_BATCH,
      values: [JSON.stringify(toItems(submissions)), null],
    }),
  );
  return rows.map((task) => ({ outcome: 'created', task }));
}

/**
 * The tasks that wait for a slot from the start: due ones whose keys are known, and full. They get no
 * dispatch, so the many tasks of one key are not fetched before those of another.
 */
const PARKED = `
      select f.*
        from errand.full_limits((
               select jsonb_agg(jsonb_build_array(id, limit_keys) order by ordinal)
                 from given
                where limit_keys is not null and run_at <= now())) f`;

/** Selects these columns of `t`, the new tasks, and of `g`, their items. */
function submitNewSql(columns: string): string {
  return `
    with ${LOCK_BOUND},
    given as materialized (
      select i.*,
             coalesce(i.given_id, errand.uuidv7()) as id,
             errand.dedup_hash(i.name, i.dedup, i.dedup_key, i.payload) as dedup_hash,
             coalesce(i.due_at, now() + make_interval(secs => coalesce(i.delay_ms, 0) / 1000)) as run_at
        from rows from (jsonb_to_recordset($1::jsonb) as (
               id uuid, name text, version text, payload jsonb, priority smallint, max_attempts integer, dispatch_id uuid,
               due_at timestamptz, delay_ms float8, dedup text, dedup_key text, dedup_window_ms float8,
               tags text[], initiator text, source_system text, reason text, request_id text, traceparent text, submitted_by text,
               expires_in_ms float8, concurrency_key text, timeout_ms integer, limit_keys jsonb
             )) with ordinality as i (
               given_id, name, version, payload, priority, max_attempts, dispatch_id,
               due_at, delay_ms, dedup, dedup_key, dedup_window_ms,
               tags, initiator, source_system, reason, request_id, traceparent, submitted_by,
               expires_in_ms, concurrency_key, timeout_ms, limit_keys, ordinal
             )
       cross join bound
    ),
    parked as materialized (${PARKED}),
    t as (
      insert into errand.tasks (
               id, name, version, state, priority, max_attempts, dispatch_id, run_at, payload,
               dedup, dedup_key, dedup_hash, dedup_until,
               tags, initiator, source_system, reason, request_id, traceparent, submitted_by, expires_at, concurrency_key, timeout_ms)
      select id, name, version, case when run_at > now() then 'scheduled' else 'queued' end,
             priority, max_attempts, case when parked.task_id is null then dispatch_id else gen_random_uuid() end, run_at, payload,
             dedup, dedup_key, dedup_hash,
             case when dedup is not null then now() + make_interval(secs => dedup_window_ms / 1000) end,
             coalesce(tags, '{}'), initiator, source_system, reason, request_id, traceparent, submitted_by,
             errand.expiry_time(run_at, expires_in_ms), concurrency_key, timeout_ms
        from given
        left join parked on parked.task_id = given.id
       -- The same order for all submitters, so that two batches with the same keys wait and never
       -- deadlock.
       order by dedup_hash, ordinal
      on conflict (dedup_hash) where dedup_hash is not null do nothing
      returning *
    ),
    waits as (
      insert into errand.limit_waits (task_id, limit_name, key, turn_key, name, version, priority, rank, run_at, place_at, dispatch_id)
      select t.id, parked.limit_name, parked.key, parked.turn_key, t.name, t.version, t.priority, place.rank, t.run_at,
             place.place_at, t.dispatch_id
        from parked
        join t on t.id = parked.task_id
       cross join lateral errand.limit_place(t.name, t.priority, t.run_at) place
    ),${addDispatches('t where not exists (select from parked where parked.task_id = t.id)')}
    select ${columns}
      from t
      join given g using (id)
     where (select count(*) from dispatched) >= 0 -- makes Postgres run it`;
}

const SUBMIT_NEW = submitNewSql(`g.ordinal, ${TASK_COLUMNS}`);
const SUBMIT_NEW_BATCH = `${submitNewSql('t.id, t.state')} order by g.ordinal`;
