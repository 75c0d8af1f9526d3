import { beforeEach, expect, test } from 'vitest';
import { deleteOldRollups } from '../../../../store/stats/rollups.ts';
import { createDatabase } from '../../../support/database.ts';
import {
  catchUp,
  empty,
  insertFinished,
  naively,
  registerNames,
  rolledUp,
  SPANS,
  setWatermark,
  some,
} from './finished.ts';

const { pool } = await createDatabase();
const HOUR = 3_600;

beforeEach(async () => {
  await empty(pool);
  await registerNames(pool, 'a.one', 'a.two', 'b.one');
  await setWatermark(pool, 12 * HOUR);
});

test.each(SPANS)(
  'of every %s minutes the sums are those of a naive query, whatever the steps',
  async (minutes) => {
    await insertFinished(pool, some(3_000, 12 * HOUR));
    await Promise.all([catchUp(pool, 1_111), catchUp(pool, 1_111)]);
    const sums = await rolledUp(pool, minutes);
    expect(sums).toEqual(await naively(pool, 12 * HOUR, minutes));
    // At the full hour they are of twelve hours, else of thirteen.
    expect(sums.length).toBeGreaterThanOrEqual((3 * 4 * 12 * 60) / Math.max(minutes, 15));
  },
);

test('sums of less than an hour go after eight hours, those of hours after the days that they are kept', async () => {
  await insertFinished(pool, some(3_000, 12 * HOUR));
  await catchUp(pool, HOUR);
  const before = await rolledUp(pool, 60);
  expect(await deleteOldRollups(pool, 30)).toBeGreaterThan(0);
  const { rows } = await pool.query(`
    select minutes, min(starts_at) < now() - interval '7.9 hours' as "hours ago",
           min(starts_at) < now() - interval '8 hours' as older
      from errand.rollups
     group by minutes
     order by minutes`);
  expect(rows).toEqual([
    { minutes: 1, 'hours ago': true, older: false },
    { minutes: 10, 'hours ago': expect.any(Boolean), older: false },
    { minutes: 60, 'hours ago': true, older: true },
  ]);
  expect(await rolledUp(pool, 60)).toEqual(before);
  expect(await deleteOldRollups(pool, 30)).toBe(0);
  await pool.query(
    `update errand.rollups set starts_at = starts_at - interval '30 days' where name = 'a.one'`,
  );
  expect(await deleteOldRollups(pool, 30)).toBeGreaterThan(0);
  expect((await rolledUp(pool, 60)).map(({ name }) => name)).not.toContain('a.one');
  expect((await rolledUp(pool, 60)).map(({ name }) => name)).toContain('a.two');
});
