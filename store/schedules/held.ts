import { type Database, retryTransient } from '../database/pool.ts';
import { IS_RELEASABLE } from './due.ts';
import { SUBMITTED } from './fire.ts';

/** Held times that one statement submits at most. */
const BATCH = 100;

/**
 * Submits the times that waited for the end of an earlier run, if that has ended (specification K6). Gives the
 * ids of their schedules. Like firing it counts once: for the caller that changes the row first. The candidates are read
 * before they are locked, so that a row which another runner has released and held again since is left alone:
 * whether its run is open was not looked at. Uses schedules_held_idx and tasks_schedule_open_idx.
 *
 * After a crash before the commit nothing has happened, and the time is still held.
 */
export async function releaseHeld(database: Database): Promise<string[]> {
  const { rows } = await retryTransient(() =>
    database.query<{ id: string }>({ name: 'release_held', text: RELEASE, values: [BATCH] }),
  );
  return rows.map(({ id }) => id);
}

const RELEASE = `
  with candidates as materialized (
    select s.id, s.revision
      from errand.schedules s
     where ${IS_RELEASABLE}
       and not exists (select from errand.tasks t where t.schedule_id = s.id and t.finished_at is null)
     order by s.id
     limit $1
  ),
  held as materialized (
    select s.id, s.held_for, s.settings -> 'payload' as payload, s.submission
      from candidates c
      join errand.schedules s on s.id = c.id and s.revision = c.revision
     order by s.id
       for no key update of s skip locked
  ),
  submitting as materialized (
    select id, payload, submission, held_for as at, gen_random_uuid() as dispatch_id from held
  ),
  ${SUBMITTED},
  recorded as (
    insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, task_id)
    select id, at, 'submitted', task_id from submitted
    on conflict do nothing
  )
  update errand.schedules s
     set revision = s.revision + 1,
         held_for = null
    from held
   where s.id = held.id
  returning s.id`;

/** An open run that a held time is to replace. */
export type Superseded = { scheduleId: string; taskId: string };

/**
 * The open runs that must be cancelled because a newer time of their schedule is held (`cancel_running`), and
 * that nobody has asked to end yet. Uses schedules_held_idx and tasks_schedule_open_idx.
 */
export async function readSuperseded(database: Database): Promise<Superseded[]> {
  const { rows } = await database.query<Superseded>({
    name: 'read_superseded',
    text: `
      select s.id as "scheduleId", t.id as "taskId"
        from errand.schedules s
        join errand.tasks t on t.schedule_id = s.id and t.finished_at is null
       where ${IS_RELEASABLE} and s.settings ->> 'overlap' = 'cancel_running' and t.cancel_requested_at is null
       order by t.id
       limit $1`,
    values: [BATCH],
  });
  return rows;
}
