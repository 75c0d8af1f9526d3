import type { Pool, PoolClient } from 'pg';

/**
 * Runs `work` in a transaction and commits. When it throws, nothing is kept and the client is destroyed: one
 * whose state is not known must never be given to others.
 */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
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
