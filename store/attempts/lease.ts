import type { Database } from '../database/pool.ts';

/**
 * The result of a heartbeat. `live` is false if another process has taken this runner's work over.
 */
export type Heartbeat = { live: boolean; cancelledTaskIds: string[] };

/** The event loop of a runner: how late it was lately, in ms, and whether it does not turn at all. */
export type LoopStanding = {
  delayMs?: number | null;
  blocked?: { forMs: number; by: { id: string } | null } | null;
};

/**
 * Renews the lease of a runner, and reads which of its running tasks must be cancelled, in case a
 * notification was lost.
 *
 * A gap of half a lease, which means a failed heartbeat, restarts `steady_since`: after a gap
 * (Postgres was away, or this process was stopped) the runner cannot judge for a while which
 * runners are dead. A complete lease would be too late, because the last heartbeat of another
 * runner may be older than ours by one interval. Only Postgres's clock counts, at the time when the
 * heartbeat is written: `now()` would be the start of the statement, even if it waited for a lock.
 * A `steady_since` that is ahead of the clock was written before the clock went back (a failover to
 * a host whose clock is behind), and restarts too.
 *
 * The standing of the event loop is shown to explain why tasks of this runner are slow, or do not continue.
 *
 * It also asks how full the queue of notifications is. Once the queue was full, because a listener
 * did not read, Postgres frees the read part only when it is asked, and refuses every NOTIFY until
 * then.
 */
export async function heartbeat(
  database: Database,
  runnerId: number,
  inFlight: number,
  { delayMs = null, blocked = null }: LoopStanding = {},
): Promise<Heartbeat> {
  const { rows } = await database.query<{ live: boolean; cancelled: string[] }>({
    name: 'heartbeat',
    text: `
      with beat as (
        update errand.runners
           set steady_since = case
                 when heartbeat_at < clock_timestamp() - make_interval(secs => lease_secs / 2)
                      or steady_since > clock_timestamp() then clock_timestamp()
                 else steady_since
               end,
               heartbeat_at = clock_timestamp(),
               in_flight = $2,
               blocked_since = clock_timestamp() - make_interval(secs => $3::float8 / 1000),
               blocked_by = $4,
               event_loop_delay_ms = $5
         where id = $1 and ended_at is null
        returning id
      )
      select exists (select from beat) as live,
             pg_notification_queue_usage() as asked,
             array(select t.id
                     from errand.tasks t
                    where t.runner_id = $1 and t.state = 'running' and t.cancel_requested_at is not null) as cancelled`,
    values: [runnerId, inFlight, blocked?.forMs ?? null, blocked?.by?.id ?? null, delayMs],
  });
  const row = rows[0];
  return { live: row?.live === true, cancelledTaskIds: row?.cancelled ?? [] };
}

/**
 * Which of these tasks were cancelled or asked to end. A task that was not shown as running yet has
 * ended at once. Uses the primary key.
 */
export async function readCancelled(database: Database, taskIds: string[]): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>({
    name: 'read_cancelled',
    text: 'select id from errand.tasks where id = any ($1) and cancel_requested_at is not null',
    values: [taskIds],
  });
  return rows.map(({ id }) => id);
}

/**
 * Registers a graphile-worker pool as this runner's before it fetches: recovery finds the
 * dispatches of a lost runner by its pools. Gives whether the runner is still live.
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
