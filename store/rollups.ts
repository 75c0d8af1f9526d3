import type { Database } from './pool.ts';

/**
 * What finishes is recorded with the time at which its transaction began, and is seen when that has committed. The
 * watermark stays `leastSecs` behind, which is beyond what a statement may take until it writes; and behind
 * transactions that have written and go on, but not more than `mostSecs`: one of hours must not hold it.
 */
const LAG = { leastSecs: 15, mostSecs: 60 };
/** Windows up to this long are read by the minute, longer ones by the hour. */
export const MINUTES_KEPT_APART = 6 * 60;

/**
 * A query for what the sums of finished tasks are made of, as columns of errand.rollups. The condition is on a relation
 * called `t`: a range of tasks_name_finished_at_idx, which `offset 0` keeps it, one for each name that it is joined
 * to. It also has each duration computed once.
 *
 * Steps that were skipped are apart: they have succeeded, but made no attempt that tells anything. What has children takes
 * from its start to its end; no runner was to begin it then, so it has not waited for one.
 */
export function figuresOfTasks(condition: string): string {
  return `
    select t.name,
           date_bin('1 minute', t.finished_at, 'epoch') as minute,
           case when t.skipped then 'skipped' else t.state end as state,
           measured.measure,
           errand.duration_bucket(measured.ms) as bucket,
           1 as tasks,
           -- One that was cancelled before it started has not made the attempt that was due.
           t.attempt - (t.processing is null)::integer as attempts,
           coalesce(measured.ms, 0) as ms
      from (select t.name, t.state, t.skipped, t.attempt, t.finished_at,
                   case when t.children is null and not t.skipped then errand.duration_ms(t.started_at - t.run_at) end as wait,
                   case when not t.skipped then errand.duration_ms(t.finished_at - t.started_at) end as processing
              from errand.tasks t
             where ${condition}
            offset 0) t
     cross join lateral (values ('wait', t.wait), ('processing', t.processing)) measured (measure, ms)`;
}

const KEY = 'name, minute, state, measure, bucket';
const SUMS = 'sum(tasks), sum(attempts), sum(ms)';
/** In one order everywhere, so that nobody waits in a circle. */
const ADD_UP = `
  order by ${KEY}
  on conflict (${KEY}) do update
     set tasks = r.tasks + excluded.tasks,
         attempts = r.attempts + excluded.attempts,
         ms = r.ms + excluded.ms`;

/**
 * Moves the watermark by `stepSecs` at most, and adds what finished between the old one and the new one to
 * errand.rollups. Gives whether there is more to be rolled up already. Several may call it at once: the row of the
 * watermark lets one after the other, and each finds it where the last has left it. A task that failed, is
 * submitted again and succeeds has finished twice and counts twice, each in its time; but once when it was
 * re-armed before it was rolled up. Relies on tasks_name_finished_at_idx.
 *
 * The crash at each line: before the commit neither watermark nor sums have changed; after it both have.
 */
export async function rollUp(database: Database, stepSecs: number, lag = LAG): Promise<boolean> {
  // By a statement of its own: what commits before this one looks, and is no longer seen by it, must be in the
  // snapshot of the next.
  const { rows: horizons } = await database.query<{ horizon: string }>({
    name: 'rollup_horizon',
    text: `
      select greatest(now() - make_interval(secs => $2),
                      least(now() - make_interval(secs => $1),
                            (select min(xact_start)
                               from pg_stat_activity
                              where datname = current_database() and backend_xid is not null))) as horizon`,
    values: [lag.leastSecs, lag.mostSecs],
  });
  const horizon = horizons[0]?.horizon;
  const { rows } = await database.query<{ more: boolean }>({
    name: 'roll_up',
    text: ROLL_UP,
    values: [stepSecs, horizon],
  });
  return rows[0]?.more ?? false;
}

const ROLL_UP = `
  with moved as (
    update errand.rollup_watermark
       set rolled_up_to = least(rolled_up_to + make_interval(secs => $1), $2::timestamptz)
     where rolled_up_to < $2
    returning old.rolled_up_to as since, new.rolled_up_to as until
  ),
  finished as (
    select task.*
      from moved
     cross join errand.definitions d
     cross join lateral (
       ${figuresOfTasks('t.name = d.name and t.finished_at >= moved.since and t.finished_at < moved.until')}
     ) task
  ),
  added as (
    insert into errand.rollups as r (${KEY}, tasks, attempts, ms)
    select ${KEY}, ${SUMS} from finished group by ${KEY} ${ADD_UP}
  )
  select until < $2 as more from moved`;

/**
 * Merges the rows of the minutes of one hour, if there is one that is over for so long that no window is read by
 * its minutes, into rows of the hour. Gives whether it did. Several may call it at once. Relies on the primary key.
 *
 * The crash at each line: before the commit nothing has changed; after it the hour is done.
 */
export async function compactRollups(database: Database): Promise<boolean> {
  const { rowCount } = await database.query({
    name: 'compact_rollups',
    text: `
      with moved as (
        update errand.rollup_watermark
           set compacted_to = compacted_to + interval '1 hour'
         -- An hour more than is read by the minute: those who read have begun before us.
         where compacted_to + interval '2 hours' <= least(rolled_up_to, now() - make_interval(mins => $1))
        returning old.compacted_to as since, new.compacted_to as until
      ),
      taken as (
        delete from errand.rollups r
         using moved, errand.definitions d
         where r.name = d.name and r.minute > moved.since and r.minute < moved.until
        returning r.*
      ),
      added as (
        insert into errand.rollups as r (${KEY}, tasks, attempts, ms)
        select ${KEY}, ${SUMS}
          from (select (select since from moved) as minute, name, state, measure, bucket,
                       tasks, attempts, ms
                  from taken) of_hour
         group by ${KEY} ${ADD_UP}
      )
      select from moved`,
    values: [MINUTES_KEPT_APART],
  });
  return rowCount === 1;
}

/** Deletes the sums of what finished more than so many days ago. Gives how many rows. Relies on the primary key. */
export async function deleteOldRollups(database: Database, days: number): Promise<number> {
  const { rowCount } = await database.query(
    `delete from errand.rollups r
      using errand.definitions d
      where r.name = d.name and r.minute < now() - make_interval(days => $1)`,
    [days],
  );
  return rowCount ?? 0;
}
