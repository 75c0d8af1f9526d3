import type { Database } from '../database/pool.ts';

/**
 * A task is recorded with the time at which its transaction began, and becomes visible at the
 * commit. The watermark stays `leastSecs` behind, which is longer than a statement may run before
 * it writes. It also stays behind open transactions that have written, but at most `mostSecs`: a
 * transaction of hours must not hold it.
 */
const LAG = { leastSecs: 15, mostSecs: 60 };
/** Windows up to this long start at a full minute, longer ones at a full hour. */
export const MINUTES_BY_THE_MINUTE = 6 * 60;
/** An hour and more beyond that, because a reader may have started before. */
const FINE_KEPT_HOURS = 8;

/**
 * A query for the figures of finished tasks, with the columns of errand.rollups. The condition is
 * on a relation called `t`: a range of tasks_name_finished_at_idx. `offset 0` keeps it one range
 * for each joined name, and computes each duration once.
 *
 * Skipped steps are counted separately: they have succeeded, but their attempt has no meaningful
 * duration. The processing time of a task with children is from its start to its end. It has no
 * wait time, because it did not wait for a runner.
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
 * Moves the watermark by at most `stepSecs`, and adds the tasks that finished between the old and
 * the new one to errand.rollups. Gives whether there is more to add already. Concurrent calls run
 * one after the other, because each locks the row of the watermark. A task that failed, was retried
 * and succeeded has finished twice and counts twice, each at its time; but only once if it was
 * retried before its failure was added. Uses tasks_name_finished_at_idx.
 *
 * After a crash before the commit neither the watermark nor the sums have changed; after the commit
 * both have.
 */
export async function rollUp(database: Database, stepSecs: number, lag = LAG): Promise<boolean> {
  // A separate statement: a transaction that commits before this one looks, and so is not seen by
  // it, must be in the snapshot of the next statement.
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

// Rows are added in the same order everywhere, so that statements cannot deadlock.
const ROLL_UP = `
  with moved as (
    update errand.rollup_watermark w
       set rolled_up_to = least(before.rolled_up_to + make_interval(secs => $1), $2::timestamptz)
      -- As it is now, and stays until it is updated: it has one row.
      from (select rolled_up_to from errand.rollup_watermark for no key update) before
     where before.rolled_up_to < $2
    returning before.rolled_up_to as since, w.rolled_up_to as until
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
 * Deletes rollups that are not read any more: those of less than an hour when no window starts in
 * them, and those of hours after `days`. Gives the number of rows. Uses the primary key.
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
