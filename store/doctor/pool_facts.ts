import type { Database } from '../database/pool.ts';

/** A runner that has not ended, as its row says. */
export type RunnerFacts = {
  id: number;
  host: string;
  pid: number;
  version: string;
  startedAt: string;
  /** How long ago its last heartbeat was, in seconds, and how long its lease is. */
  silentSecs: number;
  leaseSecs: number;
  concurrency: number;
  inFlight: number;
  taskVersions: Record<string, string> | null;
  /** How long its event loop has not turned, in seconds; null if it turns. */
  blockedSecs: number | null;
  blockedBy: string | null;
  /** Whether another runner started it for a single task. */
  isForOneTask: boolean;
};

/** Connections of processes of Errand, by the name that they give Postgres. */
export type Connected = { application: string; address: string | null; connections: number; since: string };

export type PoolFacts = {
  runners: RunnerFacts[];
  /** Runners whose lease ran out in the last hour, and whose work others took over. */
  lostLately: { host: string; version: string; runners: number }[];
  connected: Connected[];
};

const MAX_RUNNERS = 1_000;

/** Reads them. Uses runners_live_idx for those that have not ended; the ended ones are few. */
export async function readPoolFacts(database: Database): Promise<PoolFacts> {
  const { rows: runners } = await database.query<RunnerFacts>(
    `select id, host, pid, version, started_at as "startedAt",
            extract(epoch from clock_timestamp() - heartbeat_at)::float8 as "silentSecs",
            lease_secs as "leaseSecs", concurrency, in_flight as "inFlight", task_versions as "taskVersions",
            extract(epoch from clock_timestamp() - blocked_since)::float8 as "blockedSecs", blocked_by as "blockedBy",
            parent_id is not null as "isForOneTask"
       from errand.runners
      where ended_at is null
      order by id
      limit ${MAX_RUNNERS}`,
  );
  const { rows: lostLately } = await database.query<PoolFacts['lostLately'][number]>(
    `select host, version, count(*)::integer as runners
       from errand.runners
      where end_reason = 'lost' and ended_at > now() - interval '1 hour'
      group by host, version
      order by runners desc, host, version
      limit 20`,
  );
  return { runners, lostLately, connected: await readConnected(database) };
}

/** The ledger has no rows for API processes: their connections are all that Postgres knows of them. */
async function readConnected(database: Database): Promise<Connected[]> {
  const { rows } = await database.query<Connected>(
    `select case when application_name like 'errand api%' then 'errand api' else application_name end as application,
            client_addr::text as address, count(*)::integer as connections, min(backend_start) as since
       from pg_stat_activity
      where datname = current_database() and application_name in ('errand api', 'errand api reads', 'errand runner')
      group by 1, 2
      order by 1, 2`,
  );
  return rows;
}

/** Open tasks of one name and version that are due, or that will be. Those that wait for a limit are left out. */
export type OpenTasks = {
  name: string;
  version: string;
  isDue: boolean;
  /** At most OPEN_LIMIT of each name and state are counted. */
  tasks: number;
  isCapped: boolean;
  /** How long the first of them has been due, in seconds; negative if it is not due yet. */
  dueSecs: number;
  /** Pauses that hold the name. */
  pauses: string[];
  /** Live runners that have the name, and those of them that have this version or a newer one. */
  having: number;
  able: number;
};

/** More are not counted: beyond it the exact number does not matter. */
const OPEN_LIMIT = 1_000;

/**
 * Reads them for all registered names. For each name and state it reads at most OPEN_LIMIT rows, the
 * longest due ones, by tasks_name_state_id_idx and tasks_due_idx, and looks for their waits by the primary key.
 */
export async function readOpenTasks(database: Database): Promise<OpenTasks[]> {
  const { rows } = await database.query<OpenTasks>(`
    with live as materialized (
      select id, task_names, task_versions
        from errand.runners
       where ended_at is null and heartbeat_at >= now() - make_interval(secs => lease_secs)
    ),
    open as (
      select d.name, t.version, t.run_at <= now() as is_due, t.run_at, t.place
        from errand.definitions d
       cross join lateral (
         (select id, version, run_at, row_number() over (order by id) as place
            from errand.tasks where name = d.name and state = 'queued' and pending = 0 order by id limit ${OPEN_LIMIT})
         union all
         (select id, version, run_at, row_number() over (order by run_at)
            from errand.tasks
           where name = d.name and state in ('scheduled', 'retrying') and pending = 0
           order by run_at limit ${OPEN_LIMIT})) t
       where not exists (select from errand.limit_waits w where w.task_id = t.id and w.called_at is null)
    ),
    grouped as (
      select name, version, is_due, count(*)::integer as tasks, max(place) >= ${OPEN_LIMIT} as is_capped, min(run_at) as run_at
        from open
       group by name, version, is_due
    )
    select g.name, g.version, g.is_due as "isDue", g.tasks, g.is_capped as "isCapped",
           extract(epoch from now() - g.run_at)::float8 as "dueSecs",
           array(select p.target from errand.pauses p where starts_with(g.name || '.', p.target || '.') order by 1) as pauses,
           (select count(*)::integer from live where g.name = any (task_names)) as having,
           (select count(*)::integer
              from live
             where g.name = any (task_names)
               and (task_versions ->> g.name is null
                    or errand.version_key(task_versions ->> g.name) >= errand.version_key(g.version))) as able
      from grouped g
     order by g.name, g.version, g.is_due desc
     limit 1000`);
  return rows;
}
