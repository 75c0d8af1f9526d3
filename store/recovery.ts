import type { Pool, PoolClient } from 'pg';
import type { ErrorRecord } from '../core/errors.ts';
import { STARTABLE } from '../core/states.ts';
import { unlockPools } from './rings.ts';
import { inTransaction } from './transaction.ts';

/** A task is quarantined when its runner has died under it so often (specification X4). */
const CRASHES_TO_QUARANTINE = 3;

/** A runner whose lease ran out. */
export type LostRunner = { id: number; host: string; pid: number; pool_ids: string[] };

/** What became of the tasks that lost runners were executing. */
export type Recovery = { lost: LostRunner[]; requeued: string[]; quarantined: string[]; cancelled: string[] };

/**
 * Ends the runners whose lease has run out and gives their work to the pool, in one transaction: whoever
 * notices first does it, the others skip. `runnerId` is the runner that looks; it must have seen a whole lease
 * without a gap itself. Gives null when nobody was lost.
 *
 * The crash at each line: until the commit nothing has changed, and the next runner that looks does it all; after
 * it the lost runner is fenced, and everything it had is due with a ring.
 */
export function recoverLostRunners(pool: Pool, runnerId: number): Promise<Recovery | null> {
  return inTransaction(pool, async (client) => {
    const lost = await endLostRunners(client, runnerId);
    if (lost.length === 0) return null;
    const poolIds = lost.flatMap((runner) => runner.pool_ids);
    await suspectPrefetched(client, poolIds);
    await unlockPools(client, poolIds);
    const tasks = await recoverRunning(client);
    const became = (state: string): string[] =>
      tasks.filter((task) => task.state === state).map((task) => task.id);
    return {
      lost,
      requeued: became('queued'),
      quarantined: became('failed'),
      cancelled: became('cancelled'),
    };
  });
}

/** Skips a runner that records at this moment (its row is locked): it is alive. Relies on runners_live_idx. */
async function endLostRunners(client: PoolClient, runnerId: number): Promise<LostRunner[]> {
  const { rows } = await client.query<LostRunner>(
    `update errand.runners
        set ended_at = now(),
            end_reason = 'lost'
      where id in (
              select lost.id
                from errand.runners lost
                join errand.runners me on me.id = $1 and me.ended_at is null
               where lost.ended_at is null
                 and lost.id <> me.id
                 and lost.heartbeat_at < now() - make_interval(secs => lost.lease_secs)
                 and me.steady_since < now() - make_interval(secs => lost.lease_secs)
                 for update of lost skip locked)
     returning id, host, pid, pool_ids`,
    [runnerId],
  );
  return rows;
}

/**
 * Of the tasks in a lost runner's rings that were not written as running, one may have killed it before it was.
 * No attempt is burned, but from now on each is started alone and by name. Those that were suspects before are
 * known not to have started, because that would have been written.
 */
async function suspectPrefetched(client: PoolClient, poolIds: string[]): Promise<void> {
  await client.query(
    // The public view of jobs lacks the payload.
    `update errand.tasks t
        set crashes = 1
       from graphile_worker._private_jobs job
      cross join lateral json_array_elements_text(job.payload) as announced (id)
      where job.locked_by = any ($1)
        and t.id = announced.id::uuid
        and t.ring::text = job.key
        and t.state = any ($2)
        and t.crashes = 0`,
    [poolIds, STARTABLE],
  );
}

/**
 * Decides about the tasks that were running under a runner that is no longer live: cancelled if that was asked
 * for, quarantined when it was one crash too many, queued again otherwise, at no cost to the budget of attempts.
 * Relies on tasks_running_idx.
 */
async function recoverRunning(client: PoolClient): Promise<{ id: string; state: string }[]> {
  const { rows } = await client.query<{ id: string; state: string }>(RECOVER_RUNNING, [
    CRASHES_TO_QUARANTINE,
    JSON.stringify(CRASHED),
    JSON.stringify(QUARANTINED),
  ]);
  return rows;
}

const CRASHED: ErrorRecord = {
  error_type: 'RunnerLost',
  message: 'The runner died, or was cut off for longer than its lease, while it executed this attempt',
  error_code: 'RUNNER_LOST',
  retryable: true,
  metadata: null,
  stack: null,
};

const QUARANTINED: ErrorRecord = {
  ...CRASHED,
  error_type: 'Quarantined',
  message: `Quarantined: its runner died under it ${CRASHES_TO_QUARANTINE} times. Find out why before you retry it`,
  error_code: 'QUARANTINED',
  retryable: false,
};

const RECOVER_RUNNING = `
  with parents as materialized (
    -- Before their children, as errand.settle wants it.
    select parent.id
      from errand.tasks parent
     where parent.id in (select t.parent_id
                           from errand.tasks t
                           join errand.runners runner on runner.id = t.runner_id and runner.ended_at is not null
                          where t.state = 'running')
     order by parent.id
       for no key update
  ),
  crashed as (
    update errand.tasks t
       set crashes = t.crashes + 1,
           (state, attempt, max_attempts, ring, run_at, started_at, finished_at, runner_id, error) = (
             select case when t.cancel_requested_at is null then 'failed' else 'cancelled' end,
                    t.attempt, t.max_attempts, null::uuid, t.run_at, t.started_at, now(), t.runner_id,
                    case when t.cancel_requested_at is null then $3::jsonb end
              where t.cancel_requested_at is not null or t.crashes + 1 >= $1
             union all
             select 'queued', t.attempt + 1, t.max_attempts + 1, gen_random_uuid(), now(),
                    case when t.children > 0 then t.started_at end, null::timestamptz, null::integer, null::jsonb
              where t.cancel_requested_at is null and t.crashes + 1 < $1
           )
      from errand.runners runner
     where t.state = 'running' and runner.id = t.runner_id and runner.ended_at is not null
       and (select count(*) from parents) >= 0
    returning t.id, t.name, t.state, t.ring, t.priority, t.run_at, t.parent_id, t.step, t.finished_at,
              old.attempt, old.runner_id, old.started_at
  ),
  ended as (
    insert into errand.attempts (task_id, attempt, outcome, runner_id, started_at, finished_at, error)
    select id, attempt, 'crashed', runner_id, started_at, now(), $2::jsonb from crashed
  ),
  rings as (
    select errand.ring_spec(ring, name, priority, run_at, array[id]) as spec from crashed where ring is not null
  ),
  rung as (
    select graphile_worker.add_jobs(array_agg(spec)) from rings having count(*) > 0
  ),
  settled as (
    select errand.settle(array_agg(c.parent_id), array_agg(c.step), array_agg(false))
      from crashed c
     where c.parent_id is not null and c.finished_at is not null
    having count(*) > 0
  )
  select id, state from crashed where (select count(*) from rung) + (select count(*) from settled) >= 0`;
