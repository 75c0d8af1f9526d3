import type { Database } from '../database/pool.ts';
import { requeuedHeld } from './hand_off.ts';

/** The description of a runner when it registers. */
export type RunnerDescription = {
  host: string;
  pid: number;
  version: string;
  taskNames: string[];
  /** The versions of their definitions, by name. */
  taskVersions?: Record<string, string>;
  concurrency: number;
  leaseSecs: number;
  /** The runner that started this one for a single task. */
  parentId?: number;
  /** The repository of its tasks. */
  project?: string | null;
  /** The ids of the schedules in its code. */
  schedules?: readonly string[];
  /** The namespaces and names that a dedicated runner executes; null for every other one. */
  serves?: readonly string[] | null;
};

/**
 * Registers a runner and gives its id. The id is valid for this start only, and fences everything
 * that the runner writes.
 */
export async function registerRunner(database: Database, runner: RunnerDescription): Promise<number> {
  const { rows } = await database.query<{ id: number }>(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, task_versions, parent_id, project, schedules, serves)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     returning id`,
    [
      ...[runner.host, runner.pid, runner.version, runner.taskNames, runner.concurrency, runner.leaseSecs],
      ...[runner.taskVersions ?? null, runner.parentId ?? null, runner.project ?? null],
      ...[runner.schedules ?? null, runner.serves ?? null],
    ],
  );
  if (rows[0] === undefined) throw new Error('Postgres returned no id for the registration of the runner');
  return rows[0].id;
}

/**
 * Ends a runner that stops. After this nothing that it writes is recorded. Its slots are free, if it
 * could not free some before. If it holds a task, because the answer of a statement was lost while it
 * stopped, that is dispatched. A crash before the commit has changed nothing, and its lease runs out.
 */
export async function endRunner(database: Database, runnerId: number): Promise<void> {
  await database.query(
    `with ended as (
       update errand.runners
          set ended_at = now(),
              end_reason = 'stopped'
        where id = $1 and ended_at is null
       returning id
     ),
     ${requeuedHeld('ended', false)}
     select errand.free_slots_of(array_agg(id)), (select count(*) from dispatched) from ended having count(*) > 0`,
    [runnerId],
  );
}

/** A registration of a runner, as on the wire. Times are ISO 8601. */
export type RunnerRecord = {
  id: number;
  host: string;
  pid: number;
  version: string;
  started_at: string;
  heartbeat_at: string;
  /** Whether its lease has expired by Postgres's clock and its work is not taken over yet. */
  overdue: boolean;
  /** How late its event loop was in the last one or two minutes (99th percentile, ms); null if not reported. */
  event_loop_delay_ms: number | null;
  /** Since when its event loop does not turn. Null if it does. */
  blocked_since: string | null;
  /** Attempts that ran at the last heartbeat. */
  in_flight: number;
  concurrency: number;
  lease_secs: number;
  task_names: string[];
  /**
   * The versions of their definitions, by name; null for a runner of an Errand that did not report
   * them.
   */
  task_versions: Record<string, string> | null;
  /** The namespaces and tasks that a dedicated runner serves (RUNNER_NAMESPACES); null: everything. */
  serves: string[] | null;
  /** Null while it is live. */
  ended_at: string | null;
  end_reason: 'stopped' | 'lost' | null;
};

/** Ended registrations are kept for weeks, and a runner that keeps dying makes many. */
const MAX_RUNNERS = 1_000;

/**
 * The runners of the pool, newest first (specification R9); with `ended` also those that have left
 * it, as long as they are kept. At most MAX_RUNNERS. Their task names are limited to `namespaces`,
 * unless that is null. Uses runners_live_idx for the live ones.
 */
export async function listRunners(
  database: Database,
  options: { ended?: boolean; namespaces?: readonly string[] | null } = {},
): Promise<RunnerRecord[]> {
  const { rows } = await database.query<RunnerRecord>(
    `select id, host, pid, version, started_at, heartbeat_at,
            ended_at is null and heartbeat_at < now() - make_interval(secs => lease_secs) as overdue,
            event_loop_delay_ms, case when ended_at is null then blocked_since end as blocked_since,
            in_flight, concurrency, lease_secs,
            array(select name
                    from unnest(task_names) as given (name)
                   where $1::text[] is null or split_part(name, '.', 1) = any ($1)) as task_names,
            case when task_versions is not null
                 then coalesce((select jsonb_object_agg(name, version order by name)
                                  from jsonb_each_text(task_versions) as given (name, version)
                                 where $1::text[] is null or split_part(name, '.', 1) = any ($1)), '{}')
            end as task_versions,
            case when serves is not null
                 then array(select entry
                              from unnest(serves) as given (entry)
                             where $1::text[] is null or split_part(entry, '.', 1) = any ($1))
            end as serves,
            ended_at, end_reason
       from errand.runners
      ${options.ended === true ? '' : 'where ended_at is null'}
      order by id desc
      limit ${MAX_RUNNERS}`,
    [options.namespaces ?? null],
  );
  return rows;
}
