import type { Database } from '../database/pool.ts';

/** The hours that finished tasks are kept if their definition does not say it. */
type Kept = { finished: number; failed: number };

/** The state of dispatches, pauses and upkeep. Durations are in seconds. */
export type QueueFacts = {
  /** Dispatches that are locked by a pool which no live runner has. */
  orphaned: { dispatches: number; oldestSecs: number | null };
  /** Due tasks whose dispatch is gone, of the ones that have been due for longer than asked. */
  lost: { tasks: number; oldestSecs: number | null };
  quarantined: { name: string; tasks: number; newestId: string }[];
  pauses: { target: string; actor: string; reason: string | null; seconds: number }[];
  /** By how much the oldest finished task of a name is older than its retention. */
  retention: { name: string; overdueSecs: number }[];
  /** How long ago each round of upkeep was started, and up to when finished tasks are summed up. */
  rounds: { round: string; seconds: number }[];
  rollupSecs: number | null;
  disabledCallbacks: number;
};

/**
 * Reads them. `overdueSecs`: younger orphaned dispatches and due tasks are left out, because
 * recovery and reconciling have not had their turn yet.
 */
export async function readQueueFacts(
  database: Database,
  overdueSecs: number,
  kept: Kept,
): Promise<QueueFacts> {
  const one = async <T extends object>(text: string, values: unknown[]): Promise<T> => {
    const { rows } = await database.query<T>(text, values);
    if (rows[0] === undefined) throw new Error('Postgres returned no row for a query that always has one');
    return rows[0];
  };
  const orphaned = await one<QueueFacts['orphaned']>(ORPHANED, [overdueSecs]);
  const lost = await one<QueueFacts['lost']>(LOST, [overdueSecs]);
  const rest = await one<Omit<QueueFacts, 'orphaned' | 'lost' | 'quarantined' | 'retention'>>(REST, []);
  const { rows: quarantined } = await database.query<QueueFacts['quarantined'][number]>(QUARANTINED);
  const { rows: retention } = await database.query<QueueFacts['retention'][number]>(RETENTION, [
    kept.finished,
    kept.failed,
  ]);
  return { orphaned, lost, quarantined, retention, ...rest };
}

/** It has no index, so it reads all dispatches once. */
const ORPHANED = `
  select count(*)::integer as dispatches, extract(epoch from now() - min(job.locked_at))::float8 as "oldestSecs"
    from errand_worker._private_jobs job
   where job.locked_at < now() - make_interval(secs => $1)
     and job.locked_by <> all (array(select unnest(pool_ids) from errand.runners where ended_at is null))`;

/** The longest due tasks of each name, at most a thousand, by tasks_name_state_id_idx and tasks_due_idx. */
const LOST = `
  select count(*)::integer as tasks, extract(epoch from now() - min(t.run_at))::float8 as "oldestSecs"
    from errand.definitions d
   cross join lateral (
     (select id, dispatch_id, run_at from errand.tasks
       where name = d.name and state = 'queued' and pending = 0 order by id limit 1000)
     union all
     (select id, dispatch_id, run_at from errand.tasks
       where name = d.name and state in ('scheduled', 'retrying') and pending = 0 and run_at <= now() order by run_at limit 1000)) t
   where t.run_at < now() - make_interval(secs => $1)
     and not exists (
           select from errand_worker.jobs job where job.key = t.dispatch_id::text and job.attempts < job.max_attempts)
     -- A runner starts these without a dispatch.
     and not errand.is_held(t.dispatch_id)
     -- These wait for a slot of a limit.
     and not exists (select from errand.limit_waits w where w.task_id = t.id and w.called_at is null)`;

/** Of the thousand newest failed tasks of each name, by tasks_name_state_id_idx. */
const QUARANTINED = `
  select d.name, count(*)::integer as tasks, (array_agg(t.id order by t.id desc))[1] as "newestId"
    from errand.definitions d
   cross join lateral (
     select id, error from errand.tasks where name = d.name and state = 'failed' order by id desc limit 1000) t
   where t.error ->> 'error_code' = 'QUARANTINED'
   group by d.name
   order by tasks desc, d.name
   limit 20`;

/** The oldest finished task of each name and kind, by tasks_name_finished_at_idx. */
const RETENTION = `
  select d.name, max(extract(epoch from now() - oldest.finished_at) - 3600 * kept.hours)::float8 as "overdueSecs"
    from errand.definitions d
   cross join lateral (
     select coalesce((d.policy ->> 'retentionHours')::float8, $1) as finished,
            (d.policy ->> 'failedRetentionHours')::float8 as failed) given
   cross join lateral (values
     ('{succeeded,cancelled,expired,resolved}'::text[], given.finished),
     ('{failed}'::text[], coalesce(given.failed, greatest($2, given.finished)))) kept (states, hours)
   cross join lateral (
     select t.finished_at
       from errand.tasks t
      where t.name = d.name
        and t.parent_id is null
        and t.state = any (kept.states)
        and t.finished_at < now() - make_interval(secs => 3600 * kept.hours)
      order by t.finished_at
      limit 1) oldest
   where d.workflow is null
   group by d.name
   order by 2 desc, d.name
   limit 20`;

const REST = `
  select coalesce((select json_agg(json_build_object('target', target, 'actor', actor, 'reason', reason,
                                                     'seconds', extract(epoch from now() - paused_at)::float8) order by target)
                     from (select * from errand.pauses order by target limit 100) p), '[]') as pauses,
         coalesce((select json_agg(json_build_object('round', round, 'seconds', extract(epoch from now() - claimed_at)::float8) order by round)
                     from errand.rounds), '[]') as rounds,
         (select extract(epoch from now() - rolled_up_to)::float8 from errand.rollup_watermark limit 1) as "rollupSecs",
         (select count(*)::integer from errand.disabled_callbacks) as "disabledCallbacks"`;
