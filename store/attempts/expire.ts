import type { ErrorRecord } from '../../core/errors.ts';
import { type Database, retryTransient } from '../database/pool.ts';
import { announcedIn } from './dispatches.ts';

/** The maximum of one statement, so that it is short. */
const BATCH = 1_000;

/** The message and the metadata are made below. */
const EXPIRED: ErrorRecord = {
  error_type: 'Expired',
  message: '',
  error_code: 'EXPIRED',
  retryable: false,
  metadata: null,
  stack: null,
};

/**
 * The condition that the time of a task `t` is over and it has not started. The start of a task with
 * `expires_at` is written before its handler runs, and removes it: see `reportRunning`.
 */
const IS_OVER = `t.expires_at <= now() and t.state in ('scheduled', 'queued')`;

/** Whether the time of any task is over. Uses tasks_expires_at_idx, which is empty unless tasks expire. */
export async function hasExpired(database: Database): Promise<boolean> {
  const { rows } = await database.query<{ some: boolean }>({
    name: 'has_expired',
    text: `select exists (select from errand.tasks t where ${IS_OVER}) as some`,
  });
  return rows[0]?.some === true;
}

/** A task that has expired. `isOfSchedule`: a schedule submitted it. */
export type ExpiredTask = { name: string; isOfSchedule: boolean };

/**
 * Ends the tasks that have not started in time, at most BATCH (specification Q4). Gives the name of each, and
 * whether a schedule submitted it. A task
 * whose start another statement writes at this moment is locked by it, and is left alone then. It may run
 * anywhere at any time. Uses tasks_expires_at_idx.
 *
 * After a crash before the commit nothing has changed, and the next round ends them. After the commit they
 * have ended, with the callbacks and the next steps of their parents. Dispatches that are left are stale.
 */
export async function endExpired(database: Database): Promise<ExpiredTask[]> {
  const { rows } = await retryTransient(() =>
    database.query<ExpiredTask & { dispatch_id: string }>({
      name: 'end_expired',
      text: END_EXPIRED,
      values: [BATCH, JSON.stringify(EXPIRED)],
    }),
  );
  if (rows.length > 0) await dropDispatches(database, [...new Set(rows.map((row) => row.dispatch_id))]);
  return rows.map(({ name, isOfSchedule }) => ({ name, isOfSchedule }));
}

/** The maximum of one call of `endExpired`. */
export const EXPIRED_AT_A_TIME = BATCH;

/** Those whose time was over first. */
const OVER = `
  over as materialized (
    select t.id, t.parent_id
      from errand.tasks t
     where ${IS_OVER}
     order by t.expires_at
     limit $1
  )`;

/** Locks parents before their children, as errand.unblock_dependents requires. */
const PARENTS = `
  parents as materialized (
    select p.id
      from errand.tasks p
     where p.id = any (array(select parent_id from over))
     order by p.id
       for no key update
  )`;

/** The tasks as they are now, and stay until they are updated. */
const LOCKED = `
  locked as materialized (
    select t.id, t.dispatch_id
      from errand.tasks t
     where t.id = any (array(select id from over)) and ${IS_OVER} and (select count(*) from parents) >= 0
     order by t.id
       for no key update
  )`;

const ENDED = `
  ended as (
    update errand.tasks t
       set state = 'expired',
           dispatch_id = null,
           finished_at = now(),
           error = $2::jsonb || jsonb_build_object(
             'message', format('It did not start by %s', errand.iso_time(t.expires_at)),
             'metadata', jsonb_build_object('expires_at', errand.iso_time(t.expires_at)))
      from locked
     where t.id = locked.id
    returning t.id, t.name, t.parent_id, t.step, t.schedule_id, locked.dispatch_id
  )`;

/** For their parents they have failed. */
const UNBLOCKED = `
  unblocked as materialized (
    select errand.unblock_dependents(array_agg(e.parent_id order by e.id), array_agg(e.step order by e.id),
                                     array_agg(false))
      from ended e
     where e.parent_id is not null
    having count(*) > 0
  )`;

/** Those that waited for a slot. */
const LEFT = `
  left_limits as materialized (
    select errand.leave_limits(array_agg(e.id))
      from ended e
     where (select count(*) from unblocked) >= 0
    having count(*) > 0
  )`;

const END_EXPIRED = `
  with ${[OVER, PARENTS, LOCKED, ENDED, UNBLOCKED, LEFT].join(',')}
  select name, schedule_id is not null and parent_id is null as "isOfSchedule", dispatch_id
    from ended
   where (select count(*) from left_limits) >= 0`;

/**
 * Removes those of these dispatches that no task names any more. Runners drop stale ones when they fetch them,
 * but the name of an expired task may have no runner.
 */
async function dropDispatches(database: Database, dispatchIds: readonly string[]): Promise<void> {
  await database.query({
    name: 'drop_dispatches',
    text: `
      select count(*)
        from errand_worker.complete_jobs(array(
          select job.id
            from errand_worker._private_jobs job
           where job.key = any ($1)
             and job.locked_at is null
             and not exists (
                   select
                     from ${announcedIn('job.payload')} announced
                     join errand.tasks t on t.id = announced.id
                    where t.dispatch_id::text = job.key)))`,
    values: [dispatchIds],
  });
}
