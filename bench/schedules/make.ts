import type { Pool } from 'pg';
import { openClient } from '../http/client.ts';
import { NO_OP, startApi } from '../queues/errand.ts';

/** Schedules with the same timing: so many of them. */
export type Made = { id: string; timing: Record<string, unknown>; count: number };

/**
 * Stores schedules of a task that does nothing. The API stores the first of each kind; the others
 * are copies of its row. Their runs may overlap.
 */
export async function makeSchedules(url: string, pool: Pool, kinds: readonly Made[]): Promise<void> {
  const api = await startApi(url, { NODE_ENV: 'development' });
  const client = openClient(api.base, 1);
  try {
    for (const { id, timing, count } of kinds) {
      await client.put(`/v1/schedules/${id}`, { task: NO_OP, payload: {}, overlap: 'allow', ...timing });
      await pool.query(COPY, [id, count]);
    }
  } finally {
    await client.close();
    await api.process.stop();
  }
  // As after an autovacuum: they were not there when the statistics of the empty tables were taken.
  await pool.query('analyze errand.schedules');
}

// It copies all columns of the table.
const COPY = `
  insert into errand.schedules
  select (jsonb_populate_record(s, jsonb_build_object('id', s.id || '_' || n))).*
    from errand.schedules s
   cross join generate_series(2, $2::integer) n
   where s.id = $1`;
