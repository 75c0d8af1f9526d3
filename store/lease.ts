import type { Database } from './pool.ts';

/** What a heartbeat learns: `live` is false when somebody has taken this runner's work over. */
export type Heartbeat = { live: boolean; cancelledTaskIds: string[] };

/** The channel on which runners hear of cancelled tasks; the payload is the task's id. */
export const CANCEL_CHANNEL = 'errand_cancel';

/**
 * Renews the lease of a runner, and reads which of its running tasks are to be cancelled, should a notification
 * have been lost. A gap of half a lease, which is a beat that failed, makes `steady_since` start anew: after it
 * (Postgres was away, this process was stopped) it can't tell for a while who is dead. Of a whole lease would be too
 * late: another's last beat may be older than ours by a beat. Only Postgres's clock counts, and of it the time when
 * the beat is written: `now()` would be that of the statement's start, however long it waited for a lock.
 *
 * It also asks how full the queue of notifications is: once it was full, because somebody who listens did not read,
 * Postgres frees what was read only for who asks, and refuses every NOTIFY until then.
 */
export async function heartbeat(database: Database, runnerId: number, inFlight: number): Promise<Heartbeat> {
  const { rows } = await database.query<{ live: boolean; cancelled: string[] }>({
    name: 'heartbeat',
    text: `
      with beat as (
        update errand.runners
           set steady_since = case
                 when heartbeat_at < clock_timestamp() - make_interval(secs => lease_secs / 2) then clock_timestamp()
                 else steady_since
               end,
               heartbeat_at = clock_timestamp(),
               in_flight = $2
         where id = $1 and ended_at is null
        returning id
      )
      select exists (select from beat) as live,
             pg_notification_queue_usage() as asked,
             array(select t.id
                     from errand.tasks t
                    where t.runner_id = $1 and t.state = 'running' and t.cancel_requested_at is not null) as cancelled`,
    values: [runnerId, inFlight],
  });
  const row = rows[0];
  return { live: row?.live === true, cancelledTaskIds: row?.cancelled ?? [] };
}

/**
 * Notes a graphile-worker pool as this runner's, before it fetches: recovery finds the rings of a lost runner
 * by its pools. Gives whether the runner is still live.
 */
export async function addPool(database: Database, runnerId: number, poolId: string): Promise<boolean> {
  const { rowCount } = await database.query(
    `update errand.runners
        set pool_ids = array_append(pool_ids, $2)
      where id = $1 and ended_at is null`,
    [runnerId, poolId],
  );
  return rowCount === 1;
}
