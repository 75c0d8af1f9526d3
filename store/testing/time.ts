import { OPEN, STARTABLE } from '../../core/states.ts';
import type { Connections, Database } from '../database/pool.ts';
import { retryTransient } from '../database/pool.ts';
import { inTransaction } from '../database/transaction.ts';
import { isHeldBy } from '../tasks/pauses.ts';

/** The times of each table that a passing time makes older. Those of live runners are left alone. */
const TIMES: Readonly<Record<string, readonly string[]>> = {
  'errand.tasks': ['run_at', 'started_at', 'finished_at', 'cancel_requested_at', 'dedup_until'],
  'errand.attempts': ['started_at', 'finished_at'],
  'errand.logs': ['at'],
  'errand.audit': ['at'],
  'errand.pauses': ['paused_at'],
  'errand.disabled_callbacks': ['disabled_at'],
  'errand.rounds': ['claimed_at'],
  // With the tasks, so that each is still added up once.
  'errand.rollup_watermark': ['rolled_up_to'],
  // Both, because the reconciler finds a clock that has jumped by the difference.
  'errand.limit_slots': ['taken_at'],
  'errand.limit_waits': ['run_at', 'called_at'],
  'errand_worker._private_jobs': ['run_at', 'created_at'],
};

/** Nobody holds a dispatch, and no attempt runs: tasks wait, or have ended. */
const IS_DUE = `
  (t.state = any ($1) and t.pending = 0 and t.run_at <= now()
   or t.state = 'running' and t.dispatch_id is not null)
  and not exists (select from errand.pauses p where ${isHeldBy('t.name', 'p.target')})`;

/** An open task that is due or running. */
export type DueTask = { id: string; name: string; state: string };

/**
 * The first tasks, at most `limit`, that a runner should execute now or executes; not those that are paused or
 * wait for others. Uses tasks_name_state_id_idx; for small databases.
 */
export async function readDueTasks(database: Database, limit: number): Promise<DueTask[]> {
  const { rows } = await database.query<DueTask>(
    `select t.id, t.name, t.state
       from errand.tasks t
      where t.state = any ($2) and ${IS_DUE}
      order by t.id
      limit $3`,
    [STARTABLE, OPEN, limit],
  );
  return rows;
}

/** The milliseconds until the next open task is due that is not due yet; null if there is none. */
export async function msUntilNextDue(database: Database): Promise<number | null> {
  const { rows } = await database.query<{ ms: number | null }>(
    `select extract(epoch from min(t.run_at) - now())::float8 * 1000 as ms
       from errand.tasks t
      where t.state = any ($1)
        and t.pending = 0
        and t.run_at > now()
        and not exists (select from errand.pauses p where ${isHeldBy('t.name', 'p.target')})`,
    [STARTABLE],
  );
  return rows[0]?.ms ?? null;
}

/**
 * Makes everything that is stored `ms` milliseconds older, in one transaction, and wakes the runners. So what
 * was due in that time is due now. The creation times in the ids of tasks, and the figures that were added up,
 * keep their time. Only for databases of tests.
 */
export async function shiftTime(connections: Connections, ms: number): Promise<void> {
  await retryTransient(() =>
    inTransaction(connections, async (client) => {
      for (const [table, columns] of Object.entries(TIMES)) {
        const older = columns.map((column) => `${column} = ${column} - make_interval(secs => $1)`);
        await client.query(`update ${table} set ${older.join(', ')}`, [ms / 1_000]);
      }
      // graphile-worker fetches after this notification.
      await client.query(`select pg_notify('jobs:insert', '{"count":100}')`);
    }),
  );
}
