import { OPEN } from '../core/states.ts';
import { CANCEL_CHANNEL } from './lease.ts';
import type { Database } from './pool.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';

/**
 * Cancels a task (R3): at once when it is not running; a running one is asked to end, and its runner records
 * what came of it. Every runner hears of it, because an attempt that has just begun is not written as running
 * yet. Gives the task, or null when it is not in a state for it, or there is none. A ring that it leaves behind
 * is stale.
 */
export async function cancelTask(database: Database, id: string): Promise<Task | null> {
  const { rows } = await database.query<Task>({
    name: 'cancel_task',
    text: `
      with t as (
        update errand.tasks
           set cancel_requested_at = coalesce(cancel_requested_at, now()),
               (state, ring, finished_at) = (
                 select 'running', ring, null::timestamptz where state = 'running'
                 union all
                 select 'cancelled', null::uuid, now() where state <> 'running'
               )
         where id = $1 and state = any ($2)
        returning *
      ),
      told as (
        select pg_notify('${CANCEL_CHANNEL}', id::text) from t
      )
      select ${TASK_COLUMNS} from t where (select count(*) from told) >= 0`,
    values: [id, OPEN],
  });
  return rows[0] ?? null;
}
