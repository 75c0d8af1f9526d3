import { RING_SIZE } from '../core/rings.ts';
import { REARMABLE } from '../core/states.ts';
import { type Act, actValues } from './audit.ts';
import type { Database } from './pool.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/**
 * Queues a failed or cancelled task again (R4), with one attempt more if its budget is used up. Its attempts so
 * far stay in the history; a suspect stays one, and has its crashes to come. Gives the task, or null when it is not
 * in a state for it: somebody else was faster, or there is no such task that the caller may see.
 */
export async function retryTask(
  database: Database,
  id: string,
  act: Act,
  visibility: Visibility,
): Promise<Task | null> {
  const { rows } = await database.query<Task>({
    name: 'retry_task',
    text: `${RETRY} select ${TASK_COLUMNS} from t where (select count(*) from rung) >= 0`,
    values: [[id], REARMABLE, ...visibilityValues(visibility), ...actValues(act)],
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
    text: `${RETRY} select t.id from t where (select count(*) from rung) >= 0`,
    values: [ids, REARMABLE, ...visibilityValues(visibility), ...actValues(act)],
  });
  return rows.map(({ id }) => id);
}

const RETRY = `
  with candidate as materialized (
    select t.id, t.name, t.priority,
           (row_number() over (partition by t.name, t.priority order by t.id) - 1) / ${RING_SIZE} as part
      from errand.tasks t
     where t.id = any ($1) and t.state = any ($2) and ${isVisible('$3', '$4')}
  ),
  fresh as materialized (
    select part.name, part.priority, part.part, gen_random_uuid() as ring
      from (select distinct name, priority, part from candidate) part
  ),
  t as (
    update errand.tasks t
       set state = 'queued',
           attempt = case when t.started_at is null then t.attempt else t.attempt + 1 end,
           max_attempts = greatest(t.max_attempts, case when t.started_at is null then t.attempt else t.attempt + 1 end),
           ring = fresh.ring,
           run_at = now(),
           started_at = null,
           finished_at = null,
           runner_id = null,
           error = null,
           cancel_requested_at = null,
           progress = null,
           progress_note = null,
           crashes = least(t.crashes, 1::smallint)
      from candidate
      join fresh using (name, priority, part)
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
     group by t.ring, t.name, t.priority, t.run_at
  ),
  rung as (
    select graphile_worker.add_jobs(array_agg(spec)) from rings having count(*) > 0
  )`;
