import type { Pool } from 'pg';
import { beforeEach, expect, test } from 'vitest';
import { sumUpFinished } from '../../../../runner/maintenance/rounds.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { until } from '../../../support/until.ts';
import {
  empty,
  insertFinished,
  naively,
  registerNames,
  rolledUp,
  setWatermark,
} from '../../store/stats/finished.ts';

const { url, pool } = await createDatabase();
const HOUR = 3_600;
const never = new AbortController().signal;

beforeEach(async () => {
  await empty(pool);
  await registerNames(pool, 'a.one');
});

async function watermarkAgo(): Promise<number> {
  const { rows } = await pool.query<{ ago: number }>(
    'select extract(epoch from now() - rolled_up_to)::float8 as ago from errand.rollup_watermark',
  );
  return rows[0]?.ago ?? Number.NaN;
}

test('after hours away it catches up', async () => {
  await setWatermark(pool, 20 * HOUR);
  await insertFinished(
    pool,
    Array.from({ length: 300 }, (_, index) => ({ ago: 60 + index * 200 })),
  );
  await sumUpFinished(pool, never);
  expect(await watermarkAgo()).toBeLessThan(60);
  const sums = await rolledUp(pool);
  expect(sums.reduce((sum, { tasks }) => sum + tasks, 0)).toBe(300);
});

test('the runners of a pool sum up what finished, each task once', async () => {
  await setWatermark(pool, HOUR);
  await insertFinished(
    pool,
    Array.from({ length: 200 }, (_, index) => ({ ago: 60 + index * 17 })),
  );
  for (let runner = 0; runner < 3; runner++) await startTestRunner(pool, { registeredHandlers: new Map() });
  await until('they have caught up', async () => (await watermarkAgo()) < 60);
  expect(await rolledUp(pool)).toEqual(await naively(pool, HOUR));
});

test('a step that takes longer than a statement may is tried again as a smaller one', async () => {
  await setWatermark(pool, 180);
  await insertFinished(
    pool,
    Array.from({ length: 40 }, (_, index) => ({
      ago: 170 - index * 3,
      processingMs: Math.round(2 ** (index / 2)),
    })),
  );
  // Each row of the sums takes its time: a minute of them too much of it.
  await pool.query(`
    create function slow() returns trigger language plpgsql as $$
    begin perform pg_sleep(0.03); return new; end $$;
    create trigger slow before insert on errand.rollups for each row execute function slow()`);
  const hurried = hurriedPool(400);
  await sumUpFinished(hurried, never);
  await hurried.end();
  await pool.query('drop trigger slow on errand.rollups');
  expect(await rolledUp(pool)).toEqual(await naively(pool, HOUR));
  expect(await watermarkAgo()).toBeLessThan(60);
});

test('what fails is not swallowed, and a stop ends it', async () => {
  await setWatermark(pool, HOUR);
  const stop = new AbortController();
  stop.abort();
  await sumUpFinished(pool, stop.signal);
  expect(await watermarkAgo()).toBeGreaterThanOrEqual(HOUR);
  const closed = hurriedPool(400);
  await closed.end();
  await expect(sumUpFinished(closed, never)).rejects.toThrow();
});

function hurriedPool(statementTimeoutMs: number): Pool {
  return openPool({
    connectionString: url,
    applicationName: 'hurried',
    size: 2,
    statementTimeoutMs,
    onError: () => {},
  });
}
