import { randomBytes } from 'node:crypto';
import type { Connections } from './pool.ts';
import { readServer, whyReadOnly } from './server.ts';

/**
 * As large as a page, and random, so that compression does not shrink it: it needs new space on the
 * disk.
 */
const ROW_BYTES = 8_192;

/**
 * Throws the error of a writing statement if nothing can be written: the server is read-only or,
 * with `isDoubtful`, a row of the ledger cannot be inserted. That row is rolled back, but it costs
 * a page until the next vacuum, so it is tried only after something failed.
 */
export async function tryWriting(pool: Connections, isDoubtful: boolean): Promise<void> {
  const reason = whyReadOnly(await readServer(pool));
  if (reason !== null) throw Object.assign(new Error(reason), { code: '25006' });
  if (!isDoubtful) return;
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(
      `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
       values ('errand.probe', '1.0.0', 'cancelled', 0, 1, now(), jsonb_build_object('bytes', $1::text))`,
      [randomBytes(ROW_BYTES).toString('base64')],
    );
    await client.query('rollback');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}
