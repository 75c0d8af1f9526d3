import type { Database } from './pool.ts';

/**
 * What finishes is recorded with the time at which its transaction began, and is seen when that has committed. The
 * watermark stays `leastSecs` behind, which is beyond what a statement may take until it writes; and behind
 * transactions that have written and go on, but not more than `mostSecs`: one of hours must not hold it.
 */
const LAG = { leastSecs: 15, mostSecs: 60 };
/** Windows up to this long start at a full minute, longer ones at a full hour. */
export const MINUTES_BY_THE_MINUTE = 6 * 60;
/** An hour and more beyond that: those who read have begun before. */
const FINE_KEPT_HOURS = 8;

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
           date_bin('1 minute', t.finished_at, 'epoch') as starts_at,
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

const KEY = 'name, minutes, starts_at, state, measure, bucket';

// The rows are added in one order everywhere, so that nobody waits in a circle.
const ROLL_UP = `
  with moved as (
    update errand.rollup_watermark
       set rolled_up_to = least(rolled_up_to + make_interval(secs => $1), $2::timestamptz)
     where rolled_up_to < $2
    returning old.rolled_up_to as since, new.rolled_up_to as until
  ),
  finished as (
    select task.name, task.starts_at, task.state, task.measure, task.bucket,
           sum(task.tasks) as tasks, sum(task.attempts) as attempts, sum(task.ms) as ms
      from moved
     cross join errand.definitions d
     cross join lateral (
       ${figuresOfTasks('t.name = d.name and t.finished_at >= moved.since and t.finished_at < moved.until')}
     ) task
     group by task.name, task.starts_at, task.state, task.measure, task.bucket
  ),
  spans as (
    select f.name, span.minutes, date_bin(make_interval(mins => span.minutes), f.starts_at, 'epoch') as starts_at,
           f.state, f.measure, f.bucket, f.tasks, f.attempts, f.ms
      from finished f
     cross join (values (1), (10), (60)) span (minutes)
  ),
  added as (
    insert into errand.rollups as r (${KEY}, tasks, attempts, ms)
    select ${KEY}, sum(tasks), sum(attempts), sum(ms)
      from spans
     group by ${KEY}
     order by ${KEY}
        on conflict (${KEY}) do update
       set tasks = r.tasks + excluded.tasks,
           attempts = r.attempts + excluded.attempts,
           ms = r.ms + excluded.ms
  )
  select until < $2 as more from moved`;

/**
 * Deletes sums that nobody reads any more: those of less than an hour when no window starts in them, and those of
 * hours after so many days. Gives how many rows. Relies on the primary key.
 */
export async function deleteOldRollups(database: Database, days: number): Promise<number> {
  const { rowCount } = await database.query(
    `delete from errand.rollups r
      using errand.definitions d,
            (values (1, make_interval(hours => $1)),
                    (10, make_interval(hours => $1)),
                    (60, make_interval(days => $2))) kept (minutes, age)
      where r.name = d.name and r.minutes = kept.minutes and r.starts_at < now() - kept.age`,
    [FINE_KEPT_HOURS, days],
  );
  return rowCount ?? 0;
}
