import type { Database } from '../database/pool.ts';

/**
 * Makes the limits those of the registered definitions (Q1, Q7). Waiting tasks are called for limits
 * that are larger now, or that no definition has any more. It may be repeated.
 */
export async function registerLimits(database: Database): Promise<void> {
  await database.query('select errand.register_limits()');
}
