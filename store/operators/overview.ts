import type { Database } from '../database/pool.ts';
import { IS_LIVE } from '../submit/live_runner.ts';
import { isHeldBy } from '../tasks/pauses.ts';

/** Counting stops here for each name and kind of waiting tasks. */
const WAITING_LIMIT = 1_000;
/** Names are few: people do not write more. */
const MAX_NAMES = 1_000;
const MAX_SCHEDULES = 100;
/** A schedule is overdue if it has been due for this long: a runner handles it within a second. */
const OVERDUE_SECS = 60;

/** The tasks of a name that are due and wait, and the runners that can execute them. */
export type WaitingQueue = {
  name: string;
  namespace: string;
  /** Up to WAITING_LIMIT for each kind: queued, and scheduled or retrying. */
  waiting: number;
  waiting_is_capped: boolean;
  oldest_wait_ms: number;
  is_paused: boolean;
  /** The live runners that have its name. */
  runners: number;
  /** How many of the counted tasks have each version. */
  waiting_versions: { version: string; tasks: number }[];
  /** How many live runners have each version. Runners that do not report versions are left out. */
  runner_versions: { version: string; runners: number }[];
};

/**
 * The queues with due tasks, the longest wait first. The cost depends on the number of names, not on
 * the size of the table. Skips from name to name in tasks_name_state_id_idx, then reads the start of
 * two ranges of each name, by this index and tasks_due_idx; the runners by runners_live_idx.
 */
export async function readWaitingQueues(
  database: Database,
  namespaces: readonly string[] | null,
): Promise<WaitingQueue[]> {
  const { rows } = await database.query<WaitingQueue>({
    name: 'read_waiting_queues',
    text: `${WAITING_QUEUES}`,
    values: [namespaces],
  });
  return rows;
}

/** All names in the ledger, by skipping from one to the next. */
const NAMES = `
  hop as (
    (select t.name from errand.tasks t order by t.name limit 1)
    union all
    select (select t.name from errand.tasks t where t.name > hop.name order by t.name limit 1)
      from hop
     where hop.name is not null
  ),
  names as materialized (
    select hop.name
      from hop
     where hop.name is not null and ($1::text[] is null or split_part(hop.name, '.', 1) = any ($1))
     limit ${MAX_NAMES}
  )`;

/**
 * The due tasks of each name and version. The orders make each part a range of its index, whatever the
 * planner expects.
 */
const WAITING = `
  waiting as materialized (
    select names.name, due.version, due.kind, count(*)::integer as tasks, min(due.run_at) as oldest
      from names
     cross join lateral (
       (select t.version, t.run_at, 'queued' as kind
          from errand.tasks t
         where t.name = names.name and t.state = 'queued'
         order by t.id
         limit ${WAITING_LIMIT + 1})
       union all
       (select t.version, t.run_at, 'later'
          from errand.tasks t
         where t.name = names.name and t.state in ('scheduled', 'retrying') and t.run_at <= now() and t.pending = 0
         order by t.run_at
         limit ${WAITING_LIMIT + 1})) due
     group by 1, 2, 3
  ),
  queue as materialized (
    select name, sum(tasks) as tasks, min(oldest) as oldest
      from waiting
     group by name
  )`;

const LIVE = `
  live as materialized (
    select r.task_names, r.task_versions
      from errand.runners r
     where ${IS_LIVE}
  )`;

const WAITING_QUEUES = `
  with recursive ${[NAMES, WAITING, LIVE].join(',')}
  select queue.name, split_part(queue.name, '.', 1) as namespace,
         least(queue.tasks, ${WAITING_LIMIT}) as waiting,
         queue.tasks > ${WAITING_LIMIT} as waiting_is_capped,
         greatest(errand.duration_ms(now() - queue.oldest), 0) as oldest_wait_ms,
         exists (select from errand.pauses p where ${isHeldBy('queue.name', 'p.target')}) as is_paused,
         (select count(*) from live where queue.name = any (live.task_names)) as runners,
         (select json_agg(json_build_object('version', v.version, 'tasks', least(v.tasks, ${WAITING_LIMIT})) order by v.version)
            from (select version, sum(tasks) as tasks
                    from waiting
                   where waiting.name = queue.name
                   group by version) v) as waiting_versions,
         coalesce((select json_agg(json_build_object('version', v.version, 'runners', v.runners) order by v.version)
                     from (select live.task_versions ->> queue.name as version, count(*) as runners
                             from live
                            where queue.name = any (live.task_names)
                            group by 1) v
                    where v.version is not null), '[]') as runner_versions
    from queue
   order by queue.oldest, queue.name`;

/** A schedule that needs somebody. Times are ISO 8601. */
export type TroubledSchedule = {
  id: string;
  task: string;
  /** It was due then, and no runner has handled it. */
  due_at: string | null;
  /** Why its times are not handled. */
  broken: string | null;
  broken_at: string | null;
};

/**
 * Schedules that are overdue or broken, at most MAX_SCHEDULES of each. Uses schedules_due_idx and
 * schedules_idle_idx.
 */
export async function readTroubledSchedules(
  database: Database,
  namespaces: readonly string[] | null,
): Promise<TroubledSchedule[]> {
  const { rows } = await database.query<TroubledSchedule>({
    name: 'read_troubled_schedules',
    text: `
      (select id, task, due_at, null as broken, null::timestamptz as broken_at
         from errand.schedules
        where due_at < now() - interval '${OVERDUE_SECS} seconds'
          and ($1::text[] is null or split_part(task, '.', 1) = any ($1))
        order by due_at
        limit ${MAX_SCHEDULES})
      union all
      (select id, task, null, broken, broken_at
         from errand.schedules
        where due_at is null and broken_at is not null and ($1::text[] is null or split_part(task, '.', 1) = any ($1))
        order by broken_at
        limit ${MAX_SCHEDULES})`,
    values: [namespaces],
  });
  return rows;
}

/** The live pool in figures. */
export type PoolFigures = {
  live: number;
  /** Their leases have run out, and nobody has taken over their work yet. */
  overdue: number;
  /** Their event loops do not turn. */
  blocked: number;
  slots: number;
  busy: number;
};

/** Reads them. Uses runners_live_idx. */
export async function readPoolFigures(database: Database): Promise<PoolFigures & { now: string }> {
  const { rows } = await database.query<PoolFigures & { now: string }>({
    name: 'read_pool_figures',
    text: `
      select now() as now,
             count(*) filter (where not is_overdue) as live,
             count(*) filter (where is_overdue) as overdue,
             count(*) filter (where blocked_since is not null and not is_overdue) as blocked,
             coalesce(sum(concurrency) filter (where not is_overdue), 0) as slots,
             coalesce(sum(in_flight) filter (where not is_overdue), 0) as busy
        from (select *, heartbeat_at < now() - make_interval(secs => lease_secs) as is_overdue
                from errand.runners
               where ended_at is null) pool`,
  });
  return rows[0] ?? { now: new Date().toISOString(), live: 0, overdue: 0, blocked: 0, slots: 0, busy: 0 };
}
