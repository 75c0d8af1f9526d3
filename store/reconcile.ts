import { STARTABLE } from '../core/states.ts';
import type { Database } from './pool.ts';

/** Per call, so that a call is short. */
const BATCH = 1_000;
/** Of each name and state, that are looked at in a call: a fifth of a second (issue 7). */
const SLICE = 100_000;
/** A ring is written with its task; one that is missing this long after it was due is lost. */
const OVERDUE_SECS = 5;

/** Before all ids. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** What a call has done, and after which id the next one is to look; null when this one saw the last. */
export type Look = { rung: number; isClean: boolean; next: string | null };

/**
 * Rings due tasks that have lost their ring (somebody deleted the job, say). It may run anywhere, at any time: a task
 * gets its ring by compare-and-swap on the lost one. It looks at open tasks only, by tasks_name_state_id_idx, so finished
 * ones cost nothing; and at no more than `slice` of a name and state after the id `after`, so that a call is short when
 * millions wait. Some thousand rings are made at most: unless all `isClean`, the same slice has more to be done.
 */
export async function ringLost(database: Database, after = FIRST_ID, slice = SLICE): Promise<Look> {
  const { rows } = await database.query<{ rung: number; next: string | null }>({
    name: 'ring_lost',
    text: RING_LOST,
    values: [STARTABLE, OVERDUE_SECS, BATCH, after, slice],
  });
  const { rung, next } = rows[0] ?? { rung: 0, next: null };
  return { rung, isClean: rung < BATCH, next };
}

const RING_LOST = `
  with ends as (
    select t.id
      from errand.definitions d
     cross join unnest($1::text[]) as startable (state)
     cross join lateral (
       select t.id
         from errand.tasks t
        where t.name = d.name
          and t.state = startable.state
          and t.id > $4
        order by t.id
       offset $5::integer - 1
        limit 1) t
  ),
  slice as materialized (
    select (select id from ends order by id limit 1) as last
  ),
  lost as (
    select t.id, t.ring
      from slice
     cross join errand.definitions d
     cross join unnest($1::text[]) as startable (state)
     cross join lateral (
       -- The order makes it a range of the index whatever the planner thinks of the table.
       select t.id, t.ring
         from errand.tasks t
        where t.name = d.name
          and t.state = startable.state
          and t.id > $4
          and t.id <= coalesce(slice.last, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
          -- A workflow that is due later begins with its steps.
          and t.pending = 0
          and t.run_at < now() - make_interval(secs => $2)
          and not exists (select from graphile_worker.jobs job where job.key = t.ring::text)
        order by t.id
        limit $3) t
  ),
  t as (
    update errand.tasks
       set ring = gen_random_uuid()
      from lost
     where tasks.id = lost.id
       and tasks.ring is not distinct from lost.ring
       and tasks.state = any ($1)
    returning tasks.id, tasks.name, tasks.ring, tasks.run_at, tasks.priority
  ),
  rings as (
    select errand.ring_spec(ring, name, priority, run_at, array[id]) as spec from t
  ),
  rung as (
    select graphile_worker.add_jobs(array_agg(spec)) from rings having count(*) > 0
  )
  select (select count(*) from t where (select count(*) from rung) >= 0) as rung, slice.last as next from slice`;

/**
 * Removes rings that no task names any more and that are not due for a while, or were left for a newer runner (those that
 * are due are dropped when seen, but maybe there is no such runner): of tasks that were cancelled or re-armed, mostly.
 * Gives how many.
 */
export async function dropStaleRings(database: Database): Promise<number> {
  const { rows } = await database.query<{ dropped: number }>({
    name: 'drop_stale_rings',
    // The public view of jobs lacks the payload; complete_jobs leaves locked ones alone.
    text: `
      with stale as (
        select job.id
          from graphile_worker._private_jobs job
         where job.locked_at is null
           and (job.run_at > now() + interval '1 minute'
                or job.task_id = any (array(select id
                                              from graphile_worker._private_tasks
                                             where strpos(identifier, '@') > 0)))
           and job.key is not null
           and json_typeof(job.payload) = 'array'
           and not exists (
                 select
                   from json_array_elements_text(job.payload) as announced (id)
                   join errand.tasks t on t.id = announced.id::uuid
                  where t.ring::text = job.key)
         limit $1
      )
      select count(*) as dropped
        from graphile_worker.complete_jobs(array(select id from stale))`,
    values: [BATCH],
  });
  return rows[0]?.dropped ?? 0;
}
