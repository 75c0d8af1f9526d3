import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { type Histogram, percentile } from '../../../../core/histogram.ts';
import { FINAL } from '../../../../core/states.ts';
import { deleteOldRollups, rollUp } from '../../../../store/stats/rollups.ts';
import {
  type Finished,
  type FinishedWindow,
  readFinished,
  type Scope,
} from '../../../../store/stats/stats.ts';
import { createDatabase } from '../../../support/database.ts';
import { empty, type FinishedRow, insertFinished, registerNames, setWatermark } from './finished.ts';

const { pool } = await createDatabase();
const HOUR = 3_600;
const ALL: Scope = { namespaces: null };

beforeEach(async () => {
  await empty(pool);
  await registerNames(pool, 'a.one', 'a.two', 'ab.one', 'b.one');
  await setWatermark(pool, 48 * HOUR);
});

async function sumUp(stepSecs = HOUR): Promise<void> {
  while (await rollUp(pool, stepSecs));
  await deleteOldRollups(pool, 30);
}

function read(windowMinutes: number, scope = ALL, intervalMinutes?: number): Promise<FinishedWindow> {
  const intervals = intervalMinutes === undefined ? {} : { intervalMinutes };
  return readFinished(pool, { windowMinutes, ...intervals }, scope);
}

/** The same by a naive query over the window that was answered. */
async function naively({ from, to }: FinishedWindow, names: string[]): Promise<Plain> {
  const { rows } = await pool.query<Plain>(
    `select count(*) filter (where state = 'succeeded') as succeeded, count(*) filter (where state = 'failed') as failed,
            count(*) filter (where state = 'cancelled') as cancelled, count(*) filter (where state = 'resolved') as resolved,
            count(*) filter (where state = 'expired') as expired,
            coalesce(sum(case when started_at is null then attempt - 1 else attempt end), 0) as attempts,
            round(coalesce(sum(extract(epoch from started_at - run_at)), 0)::float8 * 1000) as "waitMs",
            round(coalesce(sum(extract(epoch from finished_at - started_at)), 0)::float8 * 1000) as "processingMs",
            count(started_at) as started
       from errand.tasks where finished_at >= $1 and finished_at < $2 and name = any ($3)`,
    [from, to, names],
  );
  return rows[0] as Plain;
}

type Plain = Record<string, number>;

function plain(finished: Finished): Plain {
  const { states, attempts, waitMs, processingMs, processings, waits } = finished;
  const started = [...processings]
    .filter(([bucket]) => bucket >= 0)
    .reduce((sum, [, count]) => sum + count, 0);
  const inWaits = [...waits].reduce((sum, [, count]) => sum + count, 0);
  expect(inWaits).toBe(FINAL.reduce((sum, state) => sum + states[state], 0));
  return { ...states, attempts, waitMs: Math.round(waitMs), processingMs: Math.round(processingMs), started };
}

function some(count: number, sinceAgo: number): FinishedRow[] {
  return Array.from({ length: count }, (_, index) => ({
    name: ['a.one', 'a.two', 'b.one'][index % 3] ?? '',
    state: FINAL[index % FINAL.length] ?? 'succeeded',
    ago: (sinceAgo * (index + 0.5)) / count,
    attempt: 1 + (index % 5),
    waitMs: (index * 37) % 5_000,
    processingMs: index % 7 === 0 ? null : (index * 53) % 90_000,
  }));
}

test.each([
  ['nothing is summed up yet', async () => {}],
  ['a part is summed up', async () => void (await rollUp(pool, 47.5 * HOUR))],
  ['all but the last seconds is summed up', () => sumUp()],
])('figures are those of a naive query when %s', async (_when, prepare) => {
  await insertFinished(pool, some(2_000, 3 * HOUR));
  await prepare();
  for (const minutes of [1, 5, 9, 10, 11, 23, 48, 60, 61, 130, 175]) {
    const window = await read(minutes);
    expect(plain(window.total)).toEqual(await naively(window, ['a.one', 'a.two', 'b.one']));
    for (const name of ['a.one', 'a.two', 'ab.one']) {
      expect(plain(window.byName.get(name) as Finished)).toEqual(await naively(window, [name]));
    }
  }
});

test('windows start at a full minute, those longer than six hours at a full hour, and end now', async () => {
  const before = Date.now();
  for (const [minutes, grain] of [
    [1, 60_000],
    [60, 60_000],
    [360, 60_000],
    [361, 3_600_000],
    [10_080, 3_600_000],
  ] as const) {
    const { from, to } = await read(minutes);
    expect(Date.parse(from) % grain).toBe(0);
    expect(Date.parse(to) - Date.parse(from)).toBeGreaterThanOrEqual(minutes * 60_000);
    expect(Date.parse(to) - Date.parse(from)).toBeLessThan(minutes * 60_000 + grain);
    expect(Math.abs(Date.parse(to) - before)).toBeLessThan(60_000);
  }
});

test.each([undefined, 60])(
  'windows of hours are right, in intervals of %s minutes',
  async (intervalMinutes) => {
    await insertFinished(pool, some(4_000, 40 * HOUR));
    await sumUp();
    for (const minutes of [360, 361, 600, 1_440, 2_000]) {
      const window = await read(minutes, ALL, intervalMinutes);
      const exact = await naively(window, ['a.one', 'a.two', 'b.one']);
      expect(plain(window.total)).toEqual(exact);
      const inIntervals = window.intervals.map(plain).reduce((sum, { succeeded = 0 }) => sum + succeeded, 0);
      expect(inIntervals).toBe(exact.succeeded);
    }
  },
);

test('only the beginning of a window is read by the minute', async () => {
  await insertFinished(pool, some(2_000, 3 * HOUR));
  await rollUp(pool, 47.9 * HOUR);
  const whole = await read(170);
  await pool.query(
    `delete from errand.rollups
      where minutes = 1 and starts_at >= $1::timestamptz + interval '10 minutes'
         or minutes = 10 and starts_at >= $1::timestamptz + interval '1 hour'`,
    [whole.from],
  );
  const again = await read(170);
  // Unless a minute has passed between them.
  if (again.from === whole.from) expect(plain(again.total)).toEqual(plain(whole.total));
  expect(plain(again.total)).toEqual(await naively(again, ['a.one', 'a.two', 'b.one']));
});

test('the intervals are even, and each has what finished in it', async () => {
  await insertFinished(pool, some(600, HOUR));
  await rollUp(pool, 47.5 * HOUR);
  const window = await read(60, ALL, 7);
  expect(window.intervals).toHaveLength(9);
  for (const [index, interval] of window.intervals.entries()) {
    const from = Date.parse(window.from) + index * 7 * 60_000;
    const to = Math.min(from + 7 * 60_000, Date.parse(window.to));
    const exact = await naively(
      { ...window, from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      ['a.one', 'a.two', 'b.one'],
    );
    expect(plain(interval)).toEqual(exact);
  }
});

test('what finished exactly at the watermark, or just before, counts once', async () => {
  await insertFinished(pool, [{ ago: 1_000 }]);
  for (const shift of ['0', '-1 microsecond', '1 microsecond']) {
    await pool.query('truncate errand.rollups');
    await setWatermark(pool, 48 * HOUR);
    await pool.query(
      `update errand.rollup_watermark
          set rolled_up_to = (select finished_at from errand.tasks) + $1::interval - interval '1 hour'`,
      [shift],
    );
    await rollUp(pool, HOUR);
    expect((await read(60)).total.states.succeeded).toBe(1);
    await rollUp(pool, HOUR);
    expect((await read(60)).total.states.succeeded).toBe(1);
  }
});

test('tasks of other namespaces are never counted, whatever is asked for', async () => {
  await insertFinished(
    pool,
    ['a.one', 'a.one', 'a.two', 'ab.one', 'b.one'].flatMap((name) => [
      { name, ago: 5 },
      { name, ago: 1_800 },
    ]),
  );
  await sumUp();
  const count = async (scope: Scope): Promise<number> => (await read(60, scope)).total.states.succeeded;
  expect(await count(ALL)).toBe(10);
  expect(await count({ namespaces: [] })).toBe(0);
  expect(await count({ namespaces: ['a'] })).toBe(6);
  expect(await count({ namespaces: ['a', 'b'] })).toBe(8);
  expect(await count({ namespaces: ['ab'] })).toBe(2);
  expect(await count({ namespaces: ['a'], name: 'a.one' })).toBe(4);
  expect(await count({ namespaces: ['a'], name: 'b.one' })).toBe(0);
  expect(await count({ namespaces: null, name: 'b.one' })).toBe(2);
  const { byName, intervals } = await read(60, { namespaces: ['a'] }, 60);
  expect([...byName.keys()]).toEqual(['a.one', 'a.two']);
  expect(intervals.reduce((sum, { states }) => sum + states.succeeded, 0)).toBe(6);
});

test('a percentile is within the error of its bucket of the exact one', async () => {
  const duration = fc.integer({ min: 1, max: 40 }).map((power) => Math.round(2 ** (power / 2)));
  const rows = fc.array(fc.record({ waitMs: duration, processingMs: duration }), {
    minLength: 1,
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(rows, fc.constantFrom(0.5, 0.95, 0.99), async (tasks, share) => {
      await pool.query('truncate errand.tasks, errand.rollups cascade');
      await setWatermark(pool, HOUR);
      await insertFinished(
        pool,
        tasks.map((task, index) => ({ ...task, ago: 1 + index * 20 })),
      );
      await rollUp(pool, HOUR);
      const { total } = await read(60);
      const near = (histogram: Histogram, exact: number[]): void => {
        const wanted = exact.toSorted((a, b) => a - b)[Math.ceil(share * exact.length) - 1] ?? Number.NaN;
        const ratio = (percentile(histogram, share) ?? Number.NaN) / wanted;
        expect(Math.max(ratio, 1 / ratio)).toBeLessThan(Math.SQRT2 + 1e-9);
      };
      near(
        total.waits,
        tasks.map(({ waitMs }) => waitMs),
      );
      near(
        total.processings,
        tasks.map(({ processingMs }) => processingMs),
      );
    }),
    { numRuns: 25 },
  );
});
