import { arrayOf } from '../database/arrays.ts';
import type { Database } from '../database/pool.ts';
import { addDispatches } from '../submit/add_dispatches.ts';

/**
 * Unstarted tasks of one dispatch, each with the new dispatch that will announce it. `needs`: only
 * runners with at least this version of the definition may start it. All tasks of one dispatch need
 * the same.
 */
export type Unstarted = {
  key: string;
  tasks: readonly { id: string; dispatchId: string; needs?: string | null }[];
};

/**
 * A relation with the column `id` of the ids in the payload of a dispatch. Any role that may write
 * graphile-worker's tables can put anything there: invalid ids are null and raise no error.
 */
export function announcedIn(payload: string): string {
  return `(
    select errand.uuid_in_text(element.id) as id
      from json_array_elements_text(case when json_typeof(${payload}) = 'array' then ${payload} else '[]' end) element (id))`;
}

/**
 * Requeues unstarted attempts of the dispatch `key`, for any runner or for newer ones: their tasks
 * name new dispatches, which are due at once, so the old dispatch is stale. Tasks that were retried
 * or ended meanwhile are left alone. If the runner is no longer live, all tasks are left alone,
 * because another runner may execute them. Gives whether it is live; if not, the old dispatch still
 * announces these tasks and must stay. After a crash before the commit the old dispatch still
 * announces everything; after the commit it finds nothing due. Uses the primary key.
 */
export async function requeue(
  database: Database,
  runnerId: number,
  unstarted: Unstarted,
): Promise<{ live: boolean }> {
  const { key, tasks } = unstarted;
  const { rows } = await database.query<{ live: boolean }>({
    name: 'requeue_unstarted',
    text: `
      with fence as materialized (
        select id from errand.runners where id = $4 and ended_at is null for key share
      ),
      t as (
        update errand.tasks
           set dispatch_id = given.dispatch_id
          from fence, unnest($2::uuid[], $3::uuid[], $5::text[]) as given (id, dispatch_id, needs)
         where tasks.id = given.id and tasks.dispatch_id = $1
        returning tasks.id, errand.dispatch_identifier(tasks.name, given.needs) as name, given.needs,
                  tasks.dispatch_id, tasks.run_at, tasks.priority
      ),
      -- Newer runners fetch by the identifiers that they know.
      notified as (
        select pg_notify(errand.channel('handed_on'), '')
         where exists (
                 select
                   from t
                  where t.needs is not null
                    and not exists (select from errand_worker._private_tasks k where k.identifier = t.name))
      ),${addDispatches('t', true)}
      select exists (select from fence) as live, (select count(*) from dispatched) as jobs, (select count(*) from notified) as notified`,
    values: [
      key,
      tasks.map(({ id }) => id),
      tasks.map(({ dispatchId }) => dispatchId),
      runnerId,
      tasks.map(({ needs }) => needs ?? null),
    ],
  });
  return { live: rows[0]?.live === true };
}

/**
 * The identifiers under which dispatches were ever handed on to runners with a newer definition
 * (see `requeue`). They are few: one for each version that was deployed runner by runner.
 */
export async function readHandedOn(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ identifier: string }>({
    name: 'read_handed_on',
    text: `select identifier from errand_worker._private_tasks where strpos(identifier, '@') > 0 order by id`,
  });
  return rows.map(({ identifier }) => identifier);
}

/**
 * Unlocks everything that graphile-worker has locked for these pools, and notifies the other pools,
 * so that they fetch it at once. In graphile-worker `locked_by` is the id of the pool, not of a
 * worker.
 */
export async function unlockPools(database: Database, poolIds: string[]): Promise<void> {
  await database.query({
    name: 'unlock_pools',
    text: `select errand_worker.force_unlock_workers($1::text[]), pg_notify('jobs:insert', '{"count": 1}')`,
    values: [poolIds],
  });
}

/**
 * A dispatch that graphile-worker has locked. `lockedAt` is ISO 8601 and distinguishes one fetch of
 * it from the next.
 */
export type LockedDispatch = { jobId: string; lockedAt: string };

/**
 * Returns dispatches that graphile-worker has locked for our pools and that were not started, and
 * notifies the other pools, so that an idle one fetches them at once. A dispatch that was fetched
 * again since, even by the same pool, is left alone: it may be in hand, and its attempts would be
 * executed twice. So this may be repeated.
 */
export async function returnDispatches(
  database: Database,
  poolIds: string[],
  dispatches: LockedDispatch[],
): Promise<void> {
  await database.query({
    name: 'return_dispatches',
    text: `
      with returned as (
        update errand_worker._private_jobs job
           set locked_at = null,
               locked_by = null,
               attempts = greatest(0, job.attempts - 1)
          from unnest($2::bigint[], $3::timestamptz[]) as fetched (id, locked_at)
         where job.id = fetched.id
           and job.locked_by = any ($1)
           and date_trunc('milliseconds', job.locked_at) = fetched.locked_at
        returning job.id
      )
      select pg_notify('jobs:insert', json_build_object('count', count(*))::text) from returned having count(*) > 0`,
    values: [
      poolIds,
      arrayOf(dispatches.map(({ jobId }) => jobId)),
      dispatches.map(({ lockedAt }) => lockedAt),
    ],
  });
}

/**
 * The dispatches that graphile-worker has locked for these pools. It has no index, so it is only
 * used after an error.
 */
export async function lockedDispatches(
  database: Database,
  poolIds: string[],
): Promise<(LockedDispatch & { key: string | null })[]> {
  const { rows } = await database.query<LockedDispatch & { key: string | null }>({
    name: 'locked_dispatches',
    text: `
      select id::text as "jobId", locked_at as "lockedAt", key
        from errand_worker._private_jobs
       where locked_by = any ($1)`,
    values: [poolIds],
  });
  return rows;
}
