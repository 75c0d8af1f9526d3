import type { PoolClient } from 'pg';
import type { Connections } from './pool.ts';

/**
 * Runs `work` in a transaction and commits. If `work` throws, everything is rolled back and the
 * client is destroyed, because a client in an unknown state must never be used again.
 */
export async function inTransaction<T>(
  pool: Pick<Connections, 'connect'>,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const value = await work(client);
    await client.query('commit');
    client.release();
    return value;
  } catch (error) {
    client.release(true);
    throw error;
  }
}
