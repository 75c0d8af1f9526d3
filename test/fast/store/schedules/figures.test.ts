import { beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../../store/database/pool.ts';
import { readScheduleFigures } from '../../../../store/schedules/figures.ts';
import { createDatabase } from '../../../support/database.ts';
import { type Scan, scansOf } from '../../../support/plans.ts';
import { addSchedules } from './schedule_rows.ts';

const { pool } = await createDatabase();

beforeEach(async () => {
  await pool.query('truncate errand.schedules');
});

test('without schedules every figure is 0', async () => {
  expect(await readScheduleFigures(pool)).toEqual({
    states: { active: 0, paused: 0, broken: 0, ended: 0 },
    overdue: 0,
    oldestOverdueSecs: 0,
  });
});

test('schedules are counted by state: one that waits for the end of a run is active, though it was the last time', async () => {
  await addSchedules(pool, [
    { id: 'example.soon', due: '1 hour' },
    { id: 'example.held', held: '-1 minute' },
    { id: 'example.paused', pausedFor: '1 hour' },
    { id: 'example.broken', broken: 'it does not fit' },
    { id: 'example.both', broken: 'it does not fit', pausedFor: '1 hour' },
    { id: 'example.ended' },
  ]);
  const { states, overdue, oldestOverdueSecs } = await readScheduleFigures(pool);
  expect(states).toEqual({ active: 2, paused: 1, broken: 2, ended: 1 });
  expect({ overdue, oldestOverdueSecs }).toEqual({ overdue: 0, oldestOverdueSecs: 0 });
});

test('a schedule is overdue when its time has been due for more than a minute', async () => {
  await addSchedules(pool, [
    { id: 'example.a', due: '-10 seconds' },
    { id: 'example.b', due: '-1 hour' },
    { id: 'example.c', due: '-2 hours' },
  ]);
  const { overdue, oldestOverdueSecs } = await readScheduleFigures(pool);
  expect(overdue).toBe(2);
  expect(oldestOverdueSecs).toBeGreaterThanOrEqual(7_200);
  expect(oldestOverdueSecs).toBeLessThan(7_500);
});

test('its cost has a bound: only indexes are read, up to the limit of the count', async () => {
  const many = (kind: string, more: object) =>
    Array.from({ length: 3_000 }, (_, place) => ({ id: `example.${kind}_${place}`, ...more }));
  await addSchedules(pool, [...many('due', { due: '1 hour' }), ...many('paused', { pausedFor: '1 day' })]);
  await pool.query('vacuum analyze errand.schedules');
  let scans: Scan[] = [];
  const watched: Database = {
    async query(given: never) {
      scans = await scansOf(pool, given);
      return await pool.query(given);
    },
  } as unknown as Database;
  const { states } = await readScheduleFigures(watched, 1_000);
  expect(states).toMatchObject({ active: 1_000, paused: 1_000 });
  expect(scans.map(({ type }) => type)).toEqual(['Index Only Scan', 'Index Only Scan']);
  expect(scans.reduce((sum, { read }) => sum + read, 0)).toBe(2_000);
});
