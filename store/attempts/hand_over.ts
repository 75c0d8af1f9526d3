import type { ErrorRecord } from '../../core/errors.ts';
import type { Database } from '../database/pool.ts';
import { unlockPools } from './dispatches.ts';
import { requeueHeld } from './hand_off.ts';
import { type Outcome, recordOutcomes } from './outcomes.ts';
import { requeueRunning } from './requeue.ts';

/**
 * Ends a runner that is about to be killed. In one transaction it records these outcomes, requeues
 * everything else without counting a crash, and ends the runner's row. The connection must not be
 * used for anything else meanwhile. An attempt that had started but was not shown as running keeps
 * its number. Gives false if the runner was no longer live: then another process has done all of
 * it.
 *
 * After a crash before the commit nothing has changed, and the lease expires. After the commit the
 * runner is fenced, and all its tasks are due with a dispatch.
 */
export async function handOver(
  database: Database,
  runnerId: number,
  outcomes: Outcome[],
  interrupted: ErrorRecord,
): Promise<boolean> {
  await database.query('begin');
  try {
    const { fenced } = await recordOutcomes(database, runnerId, outcomes);
    if (!fenced) await giveUp(database, runnerId, interrupted);
    await database.query('commit');
    return !fenced;
  } catch (error) {
    await database.query('rollback').catch(() => {});
    throw error;
  }
}

async function giveUp(database: Database, runnerId: number, interrupted: ErrorRecord): Promise<void> {
  const { rows } = await database.query<{ pool_ids: string[] }>(
    `update errand.runners
        set ended_at = now(),
            end_reason = 'stopped'
      where id = $1
     returning pool_ids`,
    [runnerId],
  );
  await unlockPools(database, rows[0]?.pool_ids ?? []);
  await requeueHeld(database, [runnerId], false);
  await requeueRunning(database, { outcome: 'interrupted', error: interrupted });
  await database.query('select errand.free_slots_of($1)', [[runnerId]]);
}

/** The properties of a task that its outcome needs besides the attempt. Read by the primary key. */
export type TaskOfAttempt = {
  id: string;
  name: string;
  priority: number;
  parentId: string | null;
  hasChildren: boolean;
};

export async function tasksOfAttempts(database: Database, ids: string[]): Promise<TaskOfAttempt[]> {
  const { rows } = await database.query<TaskOfAttempt>(
    `select id, name, priority, parent_id as "parentId", coalesce(children > 0, false) as "hasChildren"
       from errand.tasks
      where id = any ($1)`,
    [ids],
  );
  return rows;
}
