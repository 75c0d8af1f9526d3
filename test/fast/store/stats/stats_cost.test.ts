import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import type { Database } from '../../../../store/database/pool.ts';
import { readNameDepths } from '../../../../store/stats/namespaces.ts';
import { rollUp } from '../../../../store/stats/rollups.ts';
import { readFinished } from '../../../../store/stats/stats.ts';
import { countOpen } from '../../../../store/stats/stats_open.ts';
import { createDatabase } from '../../../support/database.ts';
import { ofTasks, scansOf } from '../../../support/plans.ts';
import { type Statement, watched } from '../../api/app.ts';
import { fillMany } from '../../api/fill.ts';
import { registerNames, setWatermark } from './finished.ts';

const ROWS = 50_000;
const NAMES = ['bulk.one', 'bulk.two', 'bulk.three', 'other.one', 'other.two'];
const { pool } = await createDatabase();
await registerNames(pool, ...NAMES);
await setWatermark(pool, 3_600);
await fillMany(pool, ROWS);

/** What Postgres did for the last statement that `run` sends: rows of tasks that it read, and its scans of them. */
async function costOf(
  mode: string,
  run: (database: Database) => Promise<unknown>,
): Promise<{ read: number; scans: string[] }> {
  const client = await pool.connect();
  try {
    await client.query(`begin; set local plan_cache_mode = ${mode}`);
    const statements: Statement[] = [];
    await run(watched(client as unknown as Pool, (statement) => statements.push(statement)));
    await client.query(`rollback; begin; set local plan_cache_mode = ${mode}`);
    const statement = statements.at(-1);
    if (statement === undefined) throw new Error('nothing was sent');
    return ofTasks(await scansOf(client, statement));
  } finally {
    await client.query('rollback');
    client.release();
  }
}

async function count(condition: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from errand.tasks, errand.rollup_watermark where ${condition}`,
  );
  return rows[0]?.count ?? Number.NaN;
}

// Statements with names are planned once for all values, after some time.
const MODES = ['force_custom_plan', 'force_generic_plan'];

test.each(MODES)('%s: a step reads what finished in it, by the index', async (mode) => {
  await setWatermark(pool, 300);
  const { read, scans } = await costOf(mode, (database) => rollUp(database, 60));
  expect(scans).toEqual(['Index Scan']);
  // A hundred a second; averages over the names are rounded.
  expect(read).toBeGreaterThan(5_500);
  expect(read).toBeLessThan(6_500);
});

test.each(MODES)('%s: figures read what finished since the watermark', async (mode) => {
  await pool.query('truncate errand.rollups');
  await setWatermark(pool, 3_600);
  while (await rollUp(pool, 600));
  const { read, scans } = await costOf(mode, (database) =>
    readFinished(database, { windowMinutes: 60, intervalMinutes: 1 }, { namespaces: null }),
  );
  expect(scans).toEqual(['Index Scan']);
  const live = await count('finished_at >= rolled_up_to');
  expect(live).toBeLessThan(ROWS / 5);
  expect(read).toBeLessThan(live + 100);
});

test.each(MODES)('%s: what is open is counted in the index alone', async (mode) => {
  const { read, scans } = await costOf(mode, (database) => countOpen(database, { namespaces: null }));
  expect(scans).toEqual(['Index Only Scan']);
  expect(read).toBeLessThan((await count('finished_at is null')) + 100);
});

test.each(MODES)('%s: what waits per name is read by its indexes', async (mode) => {
  const { read, scans } = await costOf(mode, (database) => readNameDepths(database, NAMES));
  expect(scans).not.toContain('Seq Scan');
  expect(read).toBeLessThan((await count('finished_at is null')) + 100);
});
