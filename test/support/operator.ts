import type { Act } from '../../store/audit.ts';
import { cancelTask as cancel } from '../../store/cancel.ts';
import type { Database } from '../../store/pool.ts';
import { retryTask as retry } from '../../store/retry.ts';
import type { Task } from '../../store/tasks.ts';

const ACT: Act = { actor: 'test', reason: null, requestId: null };

/** Cancels a task as an operator who may see everything. */
export function cancelTask(database: Database, id: string): Promise<Task | null> {
  return cancel(database, id, ACT, null);
}

/** Queues a failed or cancelled task again, as one of these. */
export function retryTask(database: Database, id: string): Promise<Task | null> {
  return retry(database, id, ACT, null);
}
