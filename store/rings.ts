import { arrayOf } from './arrays.ts';
import type { Database } from './pool.ts';

/**
 * Tasks of one ring that have not started, each with the fresh ring that is to announce it. `needs`: only to runners whose
 * definition has this version at least; those of one ring need the same.
 */
export type Unstarted = {
  key: string;
  tasks: readonly { id: string; ring: string; needs?: string | null }[];
};

/** The channel on which runners hear that rings were left for newer ones under a name that was not there before. */
export const LEFT_CHANNEL = 'errand_left';

/**
 * Gives unstarted attempts of the ring `key` back to the pool, or to the newer runners of it: their tasks name fresh rings,
 * which ring at once, so the old ring is stale. Tasks that were re-armed or ended meanwhile are left alone, and all of them when the
 * runner is no longer live: another may be executing them. Gives whether it is live: if not, the old ring still announces
 * what was left alone and must stay. Crash after the commit: the old ring finds nothing due; before it: the old ring
 * still announces everything. Relies on the primary key.
 */
export async function giveBack(
  database: Database,
  runnerId: number,
  unstarted: Unstarted,
): Promise<{ live: boolean }> {
  const { key, tasks } = unstarted;
  const { rows } = await database.query<{ live: boolean }>({
    name: 'give_back',
    text: `
      with fence as materialized (
        select id from errand.runners where id = $4 and ended_at is null for key share
      ),
      t as (
        update errand.tasks
           set ring = given.ring
          from fence, unnest($2::uuid[], $3::uuid[], $5::text[]) as given (id, ring, needs)
         where tasks.id = given.id and tasks.ring = $1
        returning tasks.id, errand.ring_identifier(tasks.name, given.needs) as identifier, given.needs,
                  tasks.ring, tasks.run_at, tasks.priority
      ),
      rings as (
        select errand.ring_spec(ring, identifier, priority, run_at, array_agg(id order by id)) as spec,
               (array_agg(id order by id))[1] as first
          from t
         group by ring, identifier, priority, run_at
      ),
      -- Who may begin them fetches by the names that it knows.
      told as (
        select pg_notify('${LEFT_CHANNEL}', '')
         where exists (
                 select
                   from t
                  where t.needs is not null
                    and not exists (select from graphile_worker._private_tasks k where k.identifier = t.identifier))
      ),
      rung as (
        select graphile_worker.add_jobs(array_agg(spec order by first))
          from rings
        having count(*) > 0
      )
      select exists (select from fence) as live, (select count(*) from rung) as jobs, (select count(*) from told) as told`,
    values: [
      key,
      tasks.map(({ id }) => id),
      tasks.map(({ ring }) => ring),
      runnerId,
      tasks.map(({ needs }) => needs ?? null),
    ],
  });
  return { live: rows[0]?.live === true };
}

/**
 * The names under which rings were ever left for runners with a newer definition (see `giveBack`): few, one for each version
 * that was deployed runner by runner.
 */
export async function readLeft(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ identifier: string }>({
    name: 'read_left',
    text: `select identifier from graphile_worker._private_tasks where strpos(identifier, '@') > 0 order by id`,
  });
  return rows.map(({ identifier }) => identifier);
}

/**
 * Unlocks everything that graphile-worker had locked for these pools of ours, and wakes the others, so that they
 * fetch it at once. `locked_by` there is the id of the pool, not of a worker.
 */
export async function unlockPools(database: Database, poolIds: string[]): Promise<void> {
  await database.query({
    name: 'unlock_pools',
    text: `select graphile_worker.force_unlock_workers($1::text[]), pg_notify('jobs:insert', '{"count": 1}')`,
    values: [poolIds],
  });
}

/** A ring as graphile-worker has locked it; `lockedAt` is ISO 8601, and tells one fetch of it from the next. */
export type LockedRing = { jobId: string; lockedAt: string };

/**
 * Gives rings back that graphile-worker has locked for our pools and that were not begun, and wakes the others, so that
 * an idle one fetches them at once. A ring that was fetched anew since, be it by the same pool, is left alone: it may be
 * in hand, and whoever fetched it too would execute its attempts a second time. So this may be repeated.
 */
export async function returnRings(database: Database, poolIds: string[], rings: LockedRing[]): Promise<void> {
  await database.query({
    name: 'return_rings',
    text: `
      with returned as (
        update graphile_worker._private_jobs job
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
    values: [poolIds, arrayOf(rings.map(({ jobId }) => jobId)), rings.map(({ lockedAt }) => lockedAt)],
  });
}

/**
 * The rings that graphile-worker has locked for these pools of ours. No index leads to them: it is for the time after an
 * error.
 */
export async function lockedRings(
  database: Database,
  poolIds: string[],
): Promise<(LockedRing & { key: string | null })[]> {
  const { rows } = await database.query<LockedRing & { key: string | null }>({
    name: 'locked_rings',
    text: `
      select id::text as "jobId", locked_at as "lockedAt", key
        from graphile_worker._private_jobs
       where locked_by = any ($1)`,
    values: [poolIds],
  });
  return rows;
}
