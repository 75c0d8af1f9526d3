import type { Pool } from 'pg';

/** The connections of a pool right now, and what waits for one. */
export type PoolUse = { busy: number; idle: number; waiting: number };

/** What a pool of connections is doing. */
export function poolUse(pool: Pool): PoolUse {
  return {
    busy: pool.totalCount - pool.idleCount,
    idle: pool.idleCount,
    waiting: pool.waitingCount,
  };
}
