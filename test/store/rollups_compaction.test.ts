import { beforeEach, expect, test } from 'vitest';
import { compactRollups, deleteOldRollups, rollUp } from '../../store/rollups.ts';
import { createDatabase } from '../support/database.ts';
import { catchUp, empty, insertFinished, registerNames, rolledUp, setWatermark, some } from './finished.ts';

const { pool } = await createDatabase();
const HOUR = 3_600;

beforeEach(async () => {
  await empty(pool);
  await registerNames(pool, 'a.one', 'a.two', 'b.one');
  await setWatermark(pool, HOUR);
});

test('what is hours old is merged into its hour, and the sums are the same', async () => {
  await setWatermark(pool, 12 * HOUR);
  await insertFinished(pool, some(3_000, 12 * HOUR));
  await catchUp(pool, HOUR);
  const total = `
    select state, measure, bucket, sum(tasks) as tasks, sum(attempts) as attempts, round(sum(ms)) as ms
      from errand.rollups
     group by state, measure, bucket
     order by 1, 2, 3`;
  const before = await pool.query(total);
  const compacted = await Promise.all(
    Array.from({ length: 4 }, async () => {
      let hours = 0;
      while (await compactRollups(pool)) hours++;
      return hours;
    }),
  );
  const hours = compacted.reduce((sum, count) => sum + count, 0);
  expect([4, 5]).toContain(hours);
  expect((await pool.query(total)).rows).toEqual(before.rows);
  const { rows } = await pool.query<{ old: number; young: number }>(`
    select count(distinct minute) filter (where minute < now() - interval '8 hours') as old,
           count(distinct minute) filter (where minute >= now() - interval '7 hours') as young
      from errand.rollups`);
  expect(rows[0]?.old).toBeLessThanOrEqual(5);
  expect(rows[0]?.young).toBeGreaterThan(6 * 60);
  const { rows: stray } = await pool.query(`
    select from errand.rollups, errand.rollup_watermark
     where minute < compacted_to and minute <> date_trunc('hour', minute, 'UTC')`);
  expect(stray).toHaveLength(0);
});

test('what is not rolled up yet is not merged, and sums of a month ago are deleted', async () => {
  await setWatermark(pool, 20 * HOUR);
  await insertFinished(pool, some(100, 20 * HOUR));
  await rollUp(pool, HOUR);
  while (await compactRollups(pool));
  const { rows } = await pool.query(
    'select compacted_to < rolled_up_to as behind from errand.rollup_watermark',
  );
  expect(rows).toEqual([{ behind: true }]);
  await catchUp(pool, HOUR);
  while (await compactRollups(pool));
  expect(await deleteOldRollups(pool, 30)).toBe(0);
  await pool.query(`update errand.rollups set minute = minute - interval '30 days' where name = 'a.one'`);
  expect(await deleteOldRollups(pool, 30)).toBeGreaterThan(0);
  expect((await rolledUp(pool)).map(({ name }) => name)).not.toContain('a.one');
});
