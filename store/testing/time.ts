import { OPEN, STARTABLE } from '../../core/states.ts';
import { type Database, retryTransient } from '../database/pool.ts';
import { IS_RELEASABLE } from '../schedules/due.ts';
import { isHeldBy } from '../tasks/pauses.ts';

/**
 * The times of each table that a passing time makes older. Those of live runners are left alone. So are those of
 * schedules and their runs, and `scheduled_for` of tasks: they are times of a calendar, with weekdays and the nights
 * of daylight saving, so the clock of schedules goes on instead (see errand.schedule_now).
 */
const TIMES: Readonly<Record<string, readonly string[]>> = {
  'errand.tasks': ['run_at', 'started_at', 'finished_at', 'cancel_requested_at', 'dedup_until'],
  'errand.attempts': ['started_at', 'finished_at'],
  'errand.logs': ['at'],
  'errand.audit': ['at'],
  'errand.pauses': ['paused_at'],
  'errand.disabled_callbacks': ['disabled_at'],
  'errand.rounds': ['claimed_at'],
  // With the tasks, so that each is still added up once.
  'errand.rollup_watermark': ['rolled_up_to'],
  // Both, because the reconciler finds a clock that has jumped by the difference.
  'errand.limit_slots': ['taken_at'],
  'errand.limit_keys': ['held_until', 'call_at'],
  'errand.limit_starts': ['bucket_end'],
  'errand.limit_waits': ['run_at', 'place_at', 'called_at', 'first_called_at'],
  'errand.limit_turns': ['last_turn'],
  'errand_worker._private_jobs': ['run_at', 'created_at'],
};

/** Nobody holds a dispatch, and no attempt runs: tasks wait, or have ended. */
const IS_DUE = `
  (t.state = any ($1) and t.pending = 0 and t.run_at <= now()
   or t.state = 'running' and t.dispatch_id is not null)
  and not exists (select from errand.pauses p where ${isHeldBy('t.name', 'p.target')})`;

/** It waits for the time of a rate, or for the end of a hold. */
const WAITS_FOR_TIME = `
  exists (select
            from errand.limit_waits w
            join errand.limit_keys k on k.limit_name = w.limit_name and k.key = w.key
           where w.task_id = t.id and w.called_at is null and k.call_at > clock_timestamp())`;

/** A time of the schedule `s` is due, or waits for the end of a run that has ended. */
const HAS_DUE_TIME = `
  s.due_at <= errand.schedule_now()
  or ${IS_RELEASABLE} and not exists (select from errand.tasks t where t.schedule_id = s.id and t.finished_at is null)`;

/** An open task that is due or running, or a schedule with a time that is due. */
export type Due = { kind: 'task' | 'schedule'; id: string; name: string; state: string };

/**
 * The first tasks that a runner should execute now or executes, and the first schedules with a time that is due, at
 * most `limit` of each; not tasks that are paused or wait for others. Uses tasks_name_state_id_idx and
 * schedules_due_idx; for small databases.
 */
export async function readDue(database: Database, limit: number): Promise<Due[]> {
  const { rows } = await database.query<Due>({
    name: 'read_due',
    text: `
      (select 'task' as kind, t.id::text, t.name, t.state
         from errand.tasks t
        where t.state = any ($2) and ${IS_DUE} and not ${WAITS_FOR_TIME}
        order by t.id
        limit $3)
      union all
      (select 'schedule', s.id, s.id, case when s.due_at <= errand.schedule_now() then 'due' else 'held' end
         from errand.schedules s
        where ${HAS_DUE_TIME}
        order by s.id
        limit $3)`,
    values: [STARTABLE, OPEN, limit],
  });
  return rows;
}

/**
 * The milliseconds until the next open task, the next schedule or the time of a rate is due that is not due yet;
 * null if there is none.
 */
export async function msUntilNextDue(database: Database): Promise<number | null> {
  const { rows } = await database.query<{ ms: number | null }>({
    name: 'ms_until_next_due',
    text: `
      select 1000 * least(
               (select extract(epoch from min(t.run_at) - now())::float8
                  from errand.tasks t
                 where t.state = any ($1)
                   and t.pending = 0
                   and t.run_at > now()
                   and not exists (select from errand.pauses p where ${isHeldBy('t.name', 'p.target')})),
               (select extract(epoch from min(k.call_at) - now())::float8
                  from errand.limit_keys k
                 where k.call_at > now()),
               (select extract(epoch from min(s.due_at) - errand.schedule_now())::float8
                  from errand.schedules s
                 where s.due_at > errand.schedule_now())) as ms`,
    values: [STARTABLE],
  });
  return rows[0]?.ms ?? null;
}

/**
 * Lets `ms` milliseconds pass for everything that is stored, in one statement, and wakes the runners: tasks get older,
 * and the clock of schedules goes on. So what was due in that time is due now. The creation times in the ids of tasks,
 * and the figures that were added up, keep their time. Only for databases of tests, after `ownClock`.
 */
export async function shiftTime(database: Database, ms: number): Promise<void> {
  await retryTransient(() => database.query({ name: 'shift_time', text: SHIFT, values: [ms / 1_000] }));
}

const SHIFT = `
  with ${Object.entries(TIMES)
    .map(([table, columns], index) => {
      const older = columns.map((column) => `${column} = ${column} - make_interval(secs => $1)`);
      return `older_${index} as (update ${table} set ${older.join(', ')})`;
    })
    .join(',\n       ')},
       later as (update errand.test_clock set ahead = ahead + make_interval(secs => $1))
  select case when exists (select from errand_worker._private_jobs j where j.run_at <= now() + make_interval(secs => $1))
              -- graphile-worker fetches after it.
              then pg_notify('jobs:insert', '{"count":100}') end,
         case when exists (select from errand.schedules s where s.due_at <= errand.schedule_now() + make_interval(secs => $1))
              then pg_notify(errand.channel('schedule'), '') end`;

/** Makes the runners look for due schedules, also after a notification got lost. */
export async function wakeSchedules(database: Database): Promise<void> {
  await database.query(`select pg_notify(errand.channel('schedule'), '')`);
}

/**
 * Gives schedules a clock that tests can put on. It starts at `at`, else now. It is so far ahead in seconds: an
 * interval of days would have another length in the night of daylight saving. Only for databases of tests.
 */
export async function ownClock(database: Database, at: Date | null): Promise<void> {
  await database.query('create table errand.test_clock (ahead interval not null)');
  await database.query(
    `insert into errand.test_clock
     select make_interval(secs => coalesce(extract(epoch from $1::timestamptz - now()), 0)::float8)`,
    [at],
  );
  await database.query(`
    create or replace function errand.schedule_now() returns timestamptz
      language sql stable parallel safe
    return now() + (select ahead from errand.test_clock)`);
}

/** The time of that clock. */
export async function readClock(database: Database): Promise<Date> {
  const { rows } = await database.query<{ now: string }>('select errand.schedule_now() as now');
  if (rows[0] === undefined) throw new Error('Postgres returned no row for a query that always has one');
  return new Date(rows[0].now);
}
