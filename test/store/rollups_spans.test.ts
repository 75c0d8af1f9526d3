import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { deleteOldRollups } from '../../store/rollups.ts';
import { createDatabase } from '../support/database.ts';
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

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations');
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

test('sums that were of minutes, and of hours when they are long ago, become those of all spans', async () => {
  const { pool: old } = await createDatabase('template0');
  const apply = async (file: string): Promise<void> => {
    await old.query(await readFile(join(MIGRATIONS, file), 'utf8'));
  };
  await old.query('create schema errand');
  await apply('0006_rollups.sql');
  await old.query(`
    update errand.rollup_watermark set compacted_to = '2026-01-01 11:00Z', rolled_up_to = '2026-01-01 12:21Z';
    insert into errand.rollups (name, minute, state, measure, bucket, tasks, attempts, ms)
    select 'a.one', minute, 'succeeded', 'wait', 3, tasks, tasks, tasks
      from (values ('2026-01-01 10:00Z'::timestamptz, 1000), ('2026-01-01 11:00Z', 100), ('2026-01-01 11:09Z', 200),
                   ('2026-01-01 11:10Z', 400), ('2026-01-01 12:20Z', 800)) sums (minute, tasks)`);
  await apply('0015_rollup_spans.sql');
  const { rows } = await old.query(`
    select minutes, array_agg(to_char(starts_at at time zone 'UTC', 'HH24:MI ') || tasks order by starts_at) as sums
      from errand.rollups
     where (name, state, measure, bucket, attempts, ms) = ('a.one', 'succeeded', 'wait', 3, tasks, tasks)
     group by minutes
     order by minutes`);
  expect(rows).toEqual([
    { minutes: 1, sums: ['11:00 100', '11:09 200', '11:10 400', '12:20 800'] },
    { minutes: 10, sums: ['11:00 300', '11:10 400', '12:20 800'] },
    { minutes: 60, sums: ['10:00 1000', '11:00 700', '12:00 800'] },
  ]);
});
