import type { Database } from '../../store/database/pool.ts';
import type { Act } from '../../store/operators/audit.ts';
import { cancelTask as cancel } from '../../store/operators/cancel.ts';
import { retryTask as retry } from '../../store/operators/retry.ts';
import type { Task } from '../../store/tasks/tasks.ts';

const ACT: Act = { actor: 'test', reason: null, requestId: null };

/** Cancels a task as an operator who may see everything. */
export function cancelTask(database: Database, id: string): Promise<Task | null> {
  return cancel(database, id, ACT, null);
}

/** Retries a failed or cancelled task as such an operator. */
export function retryTask(database: Database, id: string): Promise<Task | null> {
  return retry(database, id, ACT, null);
}
