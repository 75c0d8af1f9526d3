import type { Database } from '../database/pool.ts';

/**
 * Calls who waits for a rate that has room by now, or for a key that is held no more (Q2). Gives in how many
 * milliseconds, by Postgres's clock, the next call is due; null without one. It may run in several runners at
 * once, and be repeated. Uses limit_keys_call_at_idx. See errand.call_timed_limits, also for a crash.
 */
export async function callTimedLimits(database: Database): Promise<number | null> {
  const { rows } = await database.query<{ ms: number | null }>({
    name: 'call_timed_limits',
    text: 'select errand.call_timed_limits() as ms',
  });
  return rows[0]?.ms ?? null;
}

/**
 * Lets nothing more of a key start for `ms` milliseconds. It may be repeated: the hold only gets longer. See
 * errand.hold_limit_key.
 */
export async function holdLimitKey(
  database: Database,
  [limit, key]: readonly [limit: string, key: string],
  ms: number,
): Promise<void> {
  await database.query({
    name: 'hold_limit_key',
    text: 'select errand.hold_limit_key($1, $2, $3)',
    values: [limit, key, ms],
  });
}
