import type { Pool, PoolClient } from 'pg';
import { STARTABLE } from '../../core/states.ts';
import { inTransaction } from '../database/transaction.ts';
import { announcedIn, unlockPools } from './dispatches.ts';
import { requeueHeld } from './hand_off.ts';
import { requeueRunning } from './requeue.ts';

/** A task that ran alone in its process is quarantined at this crash (specification X4), … */
const CRASHES_TO_QUARANTINE = 3;
/**
 * … and at this one if no process saw that process end, because its host may have died with
 * everything on it.
 */
const UNSEEN_CRASHES_TO_QUARANTINE = 5;

/** A runner whose lease has expired, or whose process ended before its work did. */
export type LostRunner = { id: number; host: string; pid: number; pool_ids: string[] };

/** The new states of the tasks that lost runners were executing. */
export type Recovery = { lost: LostRunner[]; requeued: string[]; quarantined: string[]; cancelled: string[] };

/**
 * Ends the runners whose lease has expired and requeues their work, in one transaction. The first
 * runner that notices does it, and the others skip it. `runnerId` is the runner that looks; it must
 * itself have been live for a complete lease without a gap. Gives null if no runner was lost.
 *
 * After a crash before the commit nothing has changed, and the next runner that looks does it all.
 * After the commit the lost runner is fenced, and all its tasks are due with a dispatch.
 */
export function recoverLostRunners(pool: Pool, runnerId: number): Promise<Recovery | null> {
  return inTransaction(pool, async (client) => {
    const lost = await endLostRunners(client, runnerId);
    return lost.length === 0
      ? null
      : takeOver(client, lost, { crashes: UNSEEN_CRASHES_TO_QUARANTINE, how: null });
  });
}

/**
 * Does the same at once for the process that the runner `parentId` started for a single task and
 * saw end before the task did. `how` describes its end, such as "exit code 1". Gives null if the
 * process was no longer in the pool: its work was done or requeued, or its lease expired and
 * another runner was faster.
 *
 * After a crash before the commit nothing has changed, and the lease of the ended process expires.
 * After the commit it is as above.
 */
export function recoverChild(
  pool: Pool,
  parentId: number,
  pid: number,
  how: string,
): Promise<Recovery | null> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<LostRunner>(
      `update errand.runners
          set ended_at = now(),
              end_reason = 'lost'
        where parent_id = $1 and pid = $2 and ended_at is null
       returning id, host, pid, pool_ids`,
      [parentId, pid],
    );
    return rows.length === 0 ? null : takeOver(client, rows, { crashes: CRASHES_TO_QUARANTINE, how });
  });
}

async function takeOver(
  client: PoolClient,
  lost: LostRunner[],
  quarantine: { crashes: number; how: string | null },
): Promise<Recovery> {
  const poolIds = lost.flatMap((runner) => runner.pool_ids);
  await suspectPrefetched(client, poolIds);
  await unlockPools(client, poolIds);
  const runnerIds = lost.map(({ id }) => id);
  await requeueHeld(client, runnerIds, true);
  const tasks = await requeueRunning(client, { outcome: 'crashed', ...quarantine });
  await client.query('select errand.free_slots_of($1)', [runnerIds]);
  const idsIn = (state: string): string[] =>
    tasks.filter((task) => task.state === state).map((task) => task.id);
  return { lost, requeued: idsIn('queued'), quarantined: idsIn('failed'), cancelled: idsIn('cancelled') };
}

/**
 * Skips a runner that is recording outcomes now (its row is locked), because it is alive. A
 * heartbeat that is ahead of Postgres's clock, because the clock went back, is set to now: from
 * then on that runner has one lease. Uses runners_live_idx.
 */
async function endLostRunners(client: PoolClient, runnerId: number): Promise<LostRunner[]> {
  const { rows } = await client.query<LostRunner>(
    `with ahead as (
       update errand.runners
          set heartbeat_at = clock_timestamp()
        where ended_at is null and heartbeat_at > clock_timestamp()
     )
     update errand.runners
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
 * One of the tasks in a lost runner's dispatches that were not written as running may have killed
 * it. No crash is counted, since most of them never started. From now on the start of each is
 * written before it runs. Tasks that were suspects before are known not to have started.
 */
async function suspectPrefetched(client: PoolClient, poolIds: string[]): Promise<void> {
  await client.query(
    // The public view of jobs lacks the payload.
    `update errand.tasks t
        set suspect = true
       from errand_worker._private_jobs job
      cross join lateral ${announcedIn('job.payload')} announced
      where job.locked_by = any ($1)
        and t.id = announced.id
        and t.dispatch_id::text = job.key
        and t.state = any ($2)
        and not t.suspect`,
    [poolIds, STARTABLE],
  );
}
