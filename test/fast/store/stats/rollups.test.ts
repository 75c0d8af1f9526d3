import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { bucketBounds, LAST_BUCKET } from '../../../../core/histogram.ts';
import { rollUp } from '../../../../store/stats/rollups.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import {
  catchUp as catchUpAll,
  empty,
  insertFinished,
  naively,
  registerNames,
  rolledUp,
  setWatermark,
  some,
} from './finished.ts';

const { pool } = await createDatabase();
const MINUTE = 60;
const HOUR = 3_600;

beforeEach(async () => {
  await empty(pool);
  await registerNames(pool, 'a.one', 'a.two', 'b.one');
  await setWatermark(pool, HOUR);
});

/** As maintenance does it. */
const catchUp = (stepSecs?: number): Promise<number> => catchUpAll(pool, stepSecs);

async function watermarkAgo(): Promise<number> {
  const { rows } = await pool.query<{ ago: number }>(
    'select extract(epoch from now() - rolled_up_to)::float8 as ago from errand.rollup_watermark',
  );
  return rows[0]?.ago ?? Number.NaN;
}

test('the sums are those of a naive query, and what finished in the last seconds waits', async () => {
  await insertFinished(pool, some(900, HOUR));
  await catchUp();
  const ago = await watermarkAgo();
  expect(ago).toBeGreaterThanOrEqual(15);
  expect(ago).toBeLessThan(60);
  const sums = await rolledUp(pool);
  expect(sums).toEqual(await naively(pool, 2 * HOUR));
  const counted = sums.reduce((sum, { tasks }) => sum + tasks, 0);
  expect(counted).toBeGreaterThan(850);
  expect(counted).toBeLessThan(900);
});

test('a call goes a bounded step, and says whether there is more', async () => {
  await insertFinished(pool, [{ ago: 59 * MINUTE }, { ago: 30 * MINUTE }, { ago: MINUTE }]);
  const tasks = async (): Promise<number> => (await rolledUp(pool)).reduce((sum, row) => sum + row.tasks, 0);
  expect(await rollUp(pool, 20 * MINUTE)).toBe(true);
  expect(await tasks()).toBe(1);
  expect(await rollUp(pool, 20 * MINUTE)).toBe(true);
  expect(await tasks()).toBe(2);
  expect(await rollUp(pool, 20 * MINUTE)).toBe(false);
  expect(await tasks()).toBe(3);
  expect(await rollUp(pool, 20 * MINUTE)).toBe(false);
  expect(await tasks()).toBe(3);
});

test('what finished exactly at a watermark is of the step after it', async () => {
  await pool.query('update errand.rollup_watermark set rolled_up_to = now() - $1::interval', ['50 minutes']);
  for (const state of ['succeeded', 'failed']) {
    await pool.query(
      `insert into errand.tasks (name, version, state, priority, max_attempts, payload, run_at, finished_at)
       select 'a.one', '1', $1, 0, 1, '{}', now(), rolled_up_to + $2::interval from errand.rollup_watermark`,
      [state, state === 'succeeded' ? '0' : '60 seconds'],
    );
  }
  await rollUp(pool, 60);
  expect(await rolledUp(pool)).toMatchObject([{ state: 'succeeded', tasks: 1 }]);
  await rollUp(pool, 60);
  expect(await rolledUp(pool)).toHaveLength(2);
  await catchUp();
  expect((await rolledUp(pool)).map(({ tasks }) => tasks)).toEqual([1, 1]);
});

test('many at once count nothing twice and leave nothing out', async () => {
  await insertFinished(pool, some(1_200, HOUR));
  await Promise.all(Array.from({ length: 8 }, () => catchUp(97)));
  expect(await rolledUp(pool)).toEqual(await naively(pool, 2 * HOUR));
});

test('what is rolled back has moved neither watermark nor sums', async () => {
  await insertFinished(pool, some(60, HOUR));
  const client = await pool.connect();
  await client.query('begin');
  await rollUp(client, 10 * MINUTE);
  // As a runner that is killed here: somebody else waits for its row, and then does the same step.
  const other = rollUp(pool, 10 * MINUTE);
  await until('the other waits', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    return rows.length > 0;
  });
  await client.query('rollback');
  client.release();
  expect(await other).toBe(true);
  expect(await watermarkAgo()).toBeGreaterThan(49 * MINUTE);
  await catchUp();
  expect(await rolledUp(pool)).toEqual(await naively(pool, 2 * HOUR));
});

test('two in one step, of which the first commits: the second does the next step', async () => {
  await insertFinished(pool, some(60, HOUR));
  const client = await pool.connect();
  await client.query('begin');
  await rollUp(client, 10 * MINUTE);
  const other = rollUp(pool, 10 * MINUTE);
  await until('the other waits', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    return rows.length > 0;
  });
  await client.query('commit');
  client.release();
  await other;
  expect(await watermarkAgo()).toBeLessThan(41 * MINUTE);
  expect(await rolledUp(pool)).toEqual(await naively(pool, 2 * HOUR));
});

test('what is recorded but not committed is waited for, up to a limit', async () => {
  const recording = await pool.connect();
  await recording.query('begin');
  await insertFinished(recording, [{ ago: 0 }]);
  await until('time has passed it', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where backend_xid is not null and xact_start < now() - interval '10 ms'
          and datname = current_database()`,
    );
    return rows.length > 0;
  });
  while (await rollUp(pool, HOUR, { leastSecs: 0, mostSecs: 60 }));
  await recording.query('commit');
  recording.release();
  expect(await rolledUp(pool)).toEqual([]);
  while (await rollUp(pool, HOUR, { leastSecs: 0, mostSecs: 60 }));
  expect(await rolledUp(pool)).toMatchObject([{ tasks: 1 }]);
});

test('a transaction without an end does not hold the sums for longer than that', async () => {
  const endless = await pool.connect();
  await endless.query('begin');
  await insertFinished(endless, [{ ago: 0 }]);
  await until('the watermark is past it', async () => {
    await rollUp(pool, HOUR, { leastSecs: 0, mostSecs: 0.01 });
    const { rows } = await pool.query(
      `select from pg_stat_activity, errand.rollup_watermark
        where backend_xid is not null and datname = current_database() and xact_start < rolled_up_to`,
    );
    return rows.length > 0;
  });
  endless.release(true);
});

test('what is retried after it was rolled up finishes twice; what is deleted stays counted', async () => {
  await insertFinished(pool, [{ ago: 40 * MINUTE, state: 'failed', attempt: 3 }, { ago: 39 * MINUTE }]);
  await rollUp(pool, 30 * MINUTE);
  await pool.query(
    `update errand.tasks set state = 'succeeded', attempt = 4, finished_at = now() - interval '10 minutes' where state = 'failed'`,
  );
  await pool.query(`delete from errand.tasks where attempt = 1`);
  await catchUp();
  expect(await rolledUp(pool)).toMatchObject([
    { state: 'failed', tasks: 1, attempts: 3 },
    { state: 'succeeded', tasks: 1, attempts: 1 },
    { state: 'succeeded', tasks: 1, attempts: 4 },
  ]);
});

test('cancelled before it started: no duration, no attempt; a start before its time has waited 0 ms', async () => {
  await insertFinished(pool, [
    { ago: 40 * MINUTE, state: 'cancelled', processingMs: null },
    { ago: 40 * MINUTE, state: 'succeeded', waitMs: -500, processingMs: 3 },
  ]);
  await catchUp();
  const { rows } = await pool.query('select * from errand.rollups where minutes = 1 order by state, measure');
  expect(rows).toMatchObject([
    { state: 'cancelled', measure: 'processing', bucket: -1, tasks: 1, attempts: 0, ms: 0 },
    { state: 'cancelled', measure: 'wait', bucket: -1, tasks: 1, attempts: 0, ms: 0 },
    { state: 'succeeded', measure: 'processing', bucket: 4, tasks: 1, attempts: 1, ms: 3 },
    { state: 'succeeded', measure: 'wait', bucket: 0, tasks: 1, attempts: 1, ms: 0 },
  ]);
});

test('what is open, or of a name that nobody knows, is not counted', async () => {
  await insertFinished(pool, [{ ago: 40 * MINUTE, name: 'c.unknown' }]);
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, payload, run_at)
     select 'a.one', '1', state, 0, 1, '{}', now() from unnest($1::text[]) state`,
    [['scheduled', 'waiting', 'queued', 'running', 'retrying']],
  );
  await catchUp();
  expect(await rolledUp(pool)).toEqual([]);
});

test('the buckets of Postgres are those of core/histogram.ts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.double({ min: -2, max: 12, noNaN: true }).map((power) => 10 ** power),
        { minLength: 1 },
      ),
      async (durations) => {
        const { rows } = await pool.query<{ ms: number; bucket: number }>(
          'select ms, errand.duration_bucket(ms) as bucket from unnest($1::float8[]) ms',
          [durations],
        );
        for (const { ms, bucket } of rows) {
          const { from, to } = bucketBounds(bucket);
          // Within what the logarithm is off.
          expect(ms).toBeGreaterThanOrEqual(from * (1 - 1e-12));
          if (bucket < LAST_BUCKET) expect(ms).toBeLessThan(to * (1 + 1e-12));
        }
      },
    ),
    { numRuns: 30 },
  );
});
