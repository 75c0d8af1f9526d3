import { RING_SIZE } from '../core/rings.ts';
import { CLOSED, REARMABLE } from '../core/states.ts';
import { type Act, actValues } from './audit.ts';
import type { Database } from './pool.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/**
 * Queues a failed or cancelled task again (R4), with one attempt more if its budget is used up. Its attempts so
 * far stay in the history; a suspect stays one, and has its crashes to come. Of a workflow only what failed or was
 * cancelled is done again (W4), and a step that is retried by itself has its workflow go on; one that was cancelled before
 * its turn waits for it again. Gives the task, or null when it is not in a state for it: somebody else was faster, what it
 * is a step of has succeeded or was cancelled, or there is no such task that the caller may see.
 */
export async function retryTask(
  database: Database,
  id: string,
  act: Act,
  visibility: Visibility,
): Promise<Task | null> {
  const { rows } = await database.query<Task>({
    name: 'retry_task',
    text: `${RETRY} select ${TASK_COLUMNS} from t cross join done`,
    values: [[id], REARMABLE, ...visibilityValues(visibility), ...actValues(act), CLOSED],
  });
  return rows[0] ?? null;
}

/** The same for many, in one statement; gives the ids of those that were queued. They share rings. */
export async function retryTasks(
  database: Database,
  ids: string[],
  act: Act,
  visibility: Visibility,
): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>({
    name: 'retry_tasks',
    text: `${RETRY} select t.id from t cross join done`,
    values: [ids, REARMABLE, ...visibilityValues(visibility), ...actValues(act), CLOSED],
  });
  return rows.map(({ id }) => id);
}

const RETRY = `
  with recursive lineage as (
    select t.id, t.parent_id as ancestor_id
      from errand.tasks t
     where t.id = any ($1) and t.state = any ($2) and t.parent_id is not null
     union all
    select l.id, a.parent_id
      from lineage l
      join errand.tasks a on a.id = l.ancestor_id
     where a.parent_id is not null
  ),
  locked as materialized (
    -- Parents before their children, as errand.settle wants it.
    select t.id, t.state
      from errand.tasks t
     where t.id in (select ancestor_id from lineage) or t.id = any ($1) and t.children > 0
     order by t.id
       for no key update
  ),
  candidate as materialized (
    select t.id, t.name, t.priority, t.step, t.children,
           (row_number() over (partition by t.name, t.priority order by t.id) - 1) / ${RING_SIZE} as part
      from errand.tasks t
     where t.id = any ($1) and t.state = any ($2) and ${isVisible('$3', '$4')}
       -- Of what has succeeded or was cancelled, nothing alone; and nothing beside that which does it again.
       and not exists (
             select
               from lineage l
               join locked ancestor on ancestor.id = l.ancestor_id
              where l.id = t.id
                and (ancestor.state = any ($9)
                     or ancestor.id = any ($1) and ancestor.state = any ($2)))
       and (select count(*) from locked) >= 0
  ),
  -- Once per task: it has the children done again. Twice at the same time does no more than once.
  again as materialized (
    select c.id,
           case when c.step is not null then errand.count_before(c.id) else 0 end as before,
           case when c.children > 0 then errand.rearm_children(c.id) else 0 end as pending
      from candidate c
  ),
  fresh as materialized (
    select part.name, part.priority, part.part, gen_random_uuid() as ring
      from (select distinct name, priority, part from candidate) part
  ),
  t as (
    update errand.tasks t
       set (state, ring, pending, started_at) = (
             -- It was cancelled while it waited, and has to wait still.
             select 'waiting', null::uuid, again.before, null::timestamptz where again.before > 0
             union all
             select 'queued', fresh.ring, 0, case when t.children > 0 then t.started_at end
              where again.before = 0 and again.pending = 0
             union all
             select 'running', null::uuid, again.pending, coalesce(t.started_at, now())
              where again.before = 0 and again.pending > 0
           ),
           attempt = case when t.started_at is null then t.attempt else t.attempt + 1 end,
           max_attempts = greatest(t.max_attempts, case when t.started_at is null then t.attempt else t.attempt + 1 end),
           run_at = now(),
           finished_at = null,
           runner_id = null,
           error = null,
           cancel_requested_at = null,
           progress = null,
           progress_note = null,
           crashes = least(t.crashes, 1::smallint)
      from candidate
      join fresh using (name, priority, part)
      join again using (id)
     where t.id = candidate.id and t.state = any ($2)
    returning t.*, old.state as was
  ),
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $5, 'retry', t.id, split_part(t.name, '.', 1), t.name, $6, $7,
           jsonb_build_object('state', t.was) || coalesce($8::jsonb, '{}')
      from t
  ),
  rings as (
    select errand.ring_spec(t.ring, t.name, t.priority, t.run_at, array_agg(t.id order by t.id)) as spec
      from t
     where t.ring is not null
     group by t.ring, t.name, t.priority, t.run_at
  ),
  rung as (
    select graphile_worker.add_jobs(array_agg(spec)) from rings having count(*) > 0
  ),
  revived as (
    select errand.revive(array_agg(t.parent_id))
      from t
     where t.parent_id is not null and t.state <> 'waiting'
    having count(*) > 0
  ),
  -- Materialized, because Postgres drops what nobody reads of one that it folds in.
  done as materialized (
    select (select count(*) from rung) + (select count(*) from revived) as parts
  )`;
