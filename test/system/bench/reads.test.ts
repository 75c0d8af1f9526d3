import type { Pool } from 'pg';
import { afterAll, expect, test } from 'vitest';
import { goalsOf } from '../../../bench/reads/goals.ts';
import { makeLedger } from '../../../bench/reads/ledger.ts';
import { LOAD, measureLoad } from '../../../bench/reads/load.ts';
import { MEASUREMENTS } from '../../../bench/reads/measurements.ts';
import { benchServerOfTests } from './bench_server.ts';

const server = await benchServerOfTests();
const ledger = await makeLedger(server, 1_000, () => {});
afterAll(() => ledger.close());

const took = (ms: number) => ({ times: 9, median: ms, p99: 2 * ms });

test('under load every read is asked for at its rate, and nothing but read', async () => {
  // Five whole mixes of nine, and the first five reads of the next one.
  const load = await measureLoad(ledger, 50 / LOAD.perSecond);
  expect([load.page.times, load.task.times, load.statistics.times]).toEqual([22, 22, 6]);
  const figures = Object.values(load).flatMap(({ median, p99 }) => [median, p99]);
  expect(figures.filter((ms) => !(ms > 0 && ms < 60_000))).toEqual([]);
  const { rows } = await ledger.pool.query('select count(*) from errand.tasks');
  expect(rows).toEqual([{ count: 1_000 }]);
});

test('a read that fails under load fails the measurement', async () => {
  const pool = { query: async () => ({ rows: [{ id: 'no-id' }] }) } as unknown as Pool;
  await expect(measureLoad({ ...ledger, pool }, 0.1)).rejects.toThrow('GET /v1/tasks/no-id answered 4');
});

test('what is read over HTTP must not grow with the ledger, nor be slow under load', () => {
  const reads = MEASUREMENTS.flatMap(({ name }) => [
    { name, by: 'store', small: took(1), large: took(100) },
    { name, by: 'HTTP', small: took(4), large: took(5) },
  ]);
  const load = { page: took(10), task: took(20), statistics: took(30) };
  const goals = goalsOf(reads, load, ['100k', '10M']);
  const peer = { name: 'Errand at 100k', rounds: [4] };
  const grown = ([name, atMost]: readonly [string, number]) => ({
    ...{ what: `${name} at 10M, median`, unit: 'ms', ours: [5], peer, goal: { atMost } },
  });
  const least = new Map([
    ...['first page of all', 'a task', 'statistics of the last hour'].map((name) => [name, 1.5] as const),
    ...['first page by a tag of 1 in 10', 'first page by a tag of 1 in 1,000', 'groups of errors'].map(
      (name) => [name, 2] as const,
    ),
  ]);
  const growing = MEASUREMENTS.flatMap(({ name }) => {
    const atMost = least.get(name);
    return atMost === undefined ? [] : [grown([name, atMost])];
  });
  expect(growing).toHaveLength(least.size);
  expect(goals.slice(0, growing.length)).toEqual(growing);
  expect(goals.slice(growing.length).map(({ what, ours, peer, goal }) => [what, ours, peer, goal])).toEqual([
    ['first page of all under load, median', [10], null, null],
    ['first page of all under load, p99', [20], null, { atMost: 100 }],
    ['a task under load, median', [20], null, null],
    ['a task under load, p99', [40], null, { atMost: 100 }],
    ['statistics of the last hour under load, median', [30], null, null],
    ['statistics of the last hour under load, p99', [60], null, { atMost: 100 }],
  ]);
});
