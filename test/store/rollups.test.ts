import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { bucketBounds, LAST_BUCKET } from '../../core/histogram.ts';
import { compactRollups, deleteOldRollups, rollUp } from '../../store/rollups.ts';
import { createDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import {
  empty,
  type FinishedRow,
  insertFinished,
  naively,
  registerNames,
  rolledUp,
  setWatermark,
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
async function catchUp(stepSecs = 600): Promise<number> {
  let calls = 1;
  while (await rollUp(pool, stepSecs)) calls++;
  return calls;
}

async function watermarkAgo(): Promise<number> {
  const { rows } = await pool.query<{ ago: number }>(
    'select extract(epoch from now() - rolled_up_to)::float8 as ago from errand.rollup_watermark',
  );
  return rows[0]?.ago ?? Number.NaN;
}

function some(count: number, sinceAgo: number): FinishedRow[] {
  return Array.from({ length: count }, (_, index) => ({
    name: ['a.one', 'a.two', 'b.one'][index % 3] ?? '',
    state: (['succeeded', 'failed', 'cancelled', 'resolved'] as const)[index % 4] ?? 'succeeded',
    ago: (sinceAgo * (index + 0.5)) / count,
    attempt: 1 + (index % 5),
    waitMs: (index * 37) % 5_000,
    processingMs: index % 7 === 0 ? null : (index * 53) % 90_000,
  }));
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
  const { rows } = await pool.query('select * from errand.rollups order by state');
  expect(rows).toMatchObject([
    {
      state: 'cancelled',
      wait_bucket: -1,
      processing_bucket: -1,
      tasks: 1,
      attempts: 0,
      wait_ms: 0,
      processing_ms: 0,
    },
    {
      state: 'succeeded',
      wait_bucket: 0,
      processing_bucket: 4,
      tasks: 1,
      attempts: 1,
      wait_ms: 0,
      processing_ms: 3,
    },
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

test('what is hours old is merged into its hour, and the sums are the same', async () => {
  await setWatermark(pool, 12 * HOUR);
  await insertFinished(pool, some(3_000, 12 * HOUR));
  await catchUp(HOUR);
  const total = `select state, sum(tasks) as tasks, sum(attempts) as attempts, round(sum(wait_ms)) as wait, wait_bucket, processing_bucket
                   from errand.rollups group by state, wait_bucket, processing_bucket order by 1, 5, 6`;
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
  await catchUp(HOUR);
  while (await compactRollups(pool));
  expect(await deleteOldRollups(pool, 30)).toBe(0);
  await pool.query(`update errand.rollups set minute = minute - interval '30 days' where name = 'a.one'`);
  expect(await deleteOldRollups(pool, 30)).toBeGreaterThan(0);
  expect((await rolledUp(pool)).map(({ name }) => name)).not.toContain('a.one');
});
