import { STARTABLE } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { addDispatches } from '../submit/add_dispatches.ts';
import { announcedIn } from './dispatches.ts';

/** The maximum of one call, so that a call is short. */
const BATCH = 1_000;
/**
 * How many tasks of each name and state one call reads: that takes a fifth of a second (issue 7).
 */
const SLICE = 100_000;
/**
 * A dispatch is written with its task. If it is missing this long after the task was due, it is
 * lost.
 */
const OVERDUE_SECS = 5;

/** Before all ids. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * The result of a call, and the id after which the next one continues; null if this call read the
 * last task.
 */
export type Look = { dispatched: number; isClean: boolean; next: string | null };

/**
 * Makes new dispatches for due tasks that have lost theirs: for example, the job was deleted, or
 * changed so that it never runs. It may run anywhere at any time, because a task gets its dispatch
 * by compare-and-swap on the lost one. It reads only open tasks, by tasks_name_state_id_idx, so
 * finished ones cost nothing. It reads at most `slice` tasks of a name and state after the id
 * `after`, so that a call is short when millions wait. It makes at most about a thousand
 * dispatches: unless `isClean`, the same slice needs another call.
 */
export async function dispatchLost(database: Database, after = FIRST_ID, slice = SLICE): Promise<Look> {
  const { rows } = await database.query<{ dispatched: number; next: string | null }>({
    name: 'dispatch_lost',
    text: DISPATCH_LOST,
    values: [STARTABLE, OVERDUE_SECS, BATCH, after, slice],
  });
  const { dispatched, next } = rows[0] ?? { dispatched: 0, next: null };
  return { dispatched, isClean: dispatched < BATCH, next };
}

/** Of each name and state, the last of the tasks that this call looks at; none where there are fewer. */
const ENDS = `
  ends as (
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
  )`;

/** The call looks as far as the first of these ends: so far all names and states are looked at. */
const SLICE_END = `
  slice as materialized (
    select (select id from ends order by id limit 1) as last
  )`;

/** Due tasks whose dispatch is not there, or never comes. */
const LOST = `
  lost as (
    select t.id, t.dispatch_id
      from slice
     cross join errand.definitions d
     cross join unnest($1::text[]) as startable (state)
     cross join lateral (
       -- The order makes it a range of the index, whatever the planner expects.
       select t.id, t.dispatch_id
         from errand.tasks t
        where t.name = d.name
          and t.state = startable.state
          and t.id > $4
          and t.id <= coalesce(slice.last, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
          -- A workflow that is due later starts with its steps.
          and t.pending = 0
          and t.run_at < now() - make_interval(secs => $2)
          and not exists (
                select
                  from errand_worker.jobs job
                 where job.key = t.dispatch_id::text and job.run_at <= now() and job.attempts < job.max_attempts
                   -- A runner that was presumed dead may have fetched once more before it was killed. Its pool is
                   -- unlocked only once, and graphile-worker frees such a job after four hours.
                   and not (job.locked_by is not null and exists (
                         select
                           from errand.runners ended
                          where ended.ended_at is not null and job.locked_by = any (ended.pool_ids))))
          -- A runner holds it, and starts it without a dispatch.
          and not errand.is_held(t.dispatch_id)
          -- It waits for a slot: then it has no dispatch until it is called.
          and not exists (select from errand.limit_waits w where w.task_id = t.id and w.called_at is null)
        order by t.id
        limit $3) t
  )`;

/** They name a fresh dispatch, if nobody was faster. */
const RENEWED = `
  t as (
    update errand.tasks
       set dispatch_id = gen_random_uuid()
      from lost
     where tasks.id = lost.id
       -- By the primary key, whatever the planner thinks of the states.
       and tasks.id = any (array(select id from lost))
       and tasks.dispatch_id is not distinct from lost.dispatch_id
       and tasks.state = any ($1)
    returning tasks.id, tasks.name, tasks.dispatch_id, tasks.run_at, tasks.priority
  )`;

const DISPATCH_LOST = `
  with ${[ENDS, SLICE_END, LOST, RENEWED, addDispatches('t')].join(',')}
  select (select count(*) from t where (select count(*) from dispatched) >= 0) as dispatched, slice.last as next from slice`;

/**
 * Removes dispatches that no task names any more and that are not due soon, or were handed on to a
 * newer runner. (Due ones are dropped when they are fetched, but a newer runner may not exist.)
 * Most are of tasks that were cancelled or retried. Gives the number.
 */
export async function dropStaleDispatches(database: Database): Promise<number> {
  const { rows } = await database.query<{ dropped: number }>({
    name: 'drop_stale_dispatches',
    // The public view of jobs lacks the payload; complete_jobs leaves locked ones alone.
    text: `
      with stale as (
        select job.id
          from errand_worker._private_jobs job
         where job.locked_at is null
           -- Another application may have come into this database after Errand; its jobs are not
           -- dispatches.
           and job.task_id = any (array(select own.id
                                          from errand_worker._private_tasks own
                                         where strpos(own.identifier, '@') > 0
                                            or exists (select from errand.definitions d where d.name = own.identifier)))
           and (job.run_at > now() + interval '1 minute'
                or job.attempts >= job.max_attempts
                or job.task_id = any (array(select id
                                              from errand_worker._private_tasks
                                             where strpos(identifier, '@') > 0)))
           and job.key is not null
           and json_typeof(job.payload) = 'array'
           and not exists (
                 select
                   from ${announcedIn('job.payload')} announced
                   join errand.tasks t on t.id = announced.id
                  where t.dispatch_id::text = job.key)
         limit $1
      )
      select count(*) as dropped
        from errand_worker.complete_jobs(array(select id from stale))`,
    values: [BATCH],
  });
  return rows[0]?.dropped ?? 0;
}

/**
 * Pulls back dispatches that were made while Postgres's clock was ahead of its current time, and so
 * would be late. A dispatch that was due when it was made is due now, and a retry is due after its
 * delay. A task that was submitted for a fixed time keeps it. At most about a thousand per call;
 * gives the number. A crash before the commit has changed nothing.
 */
export async function pullBackDispatches(database: Database): Promise<number> {
  const { rows } = await database.query<{ pulled: number }>({
    name: 'pull_back_dispatches',
    text: `
      with ahead as (
        select job.id, job.run_at - job.created_at as delay
          from errand_worker._private_jobs job
         where job.locked_at is null
           and job.created_at > clock_timestamp()
           and job.run_at > now()
           and exists (
                 select
                   from ${announcedIn('job.payload')} announced
                   join errand.tasks t on t.id = announced.id
                  where t.dispatch_id::text = job.key and t.state = any ('{queued,retrying}'))
         limit $1
           for update of job skip locked
      ),
      pulled as (
        update errand_worker._private_jobs job
           set run_at = now() + greatest(ahead.delay, interval '0'),
               created_at = now()
          from ahead
         where job.id = ahead.id
        returning job.id
      )
      select count(*) as pulled, pg_notify('jobs:insert', json_build_object('count', count(*))::text)
        from pulled
      having count(*) > 0`,
    values: [BATCH],
  });
  return rows[0]?.pulled ?? 0;
}
