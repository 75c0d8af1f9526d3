import { expect, test } from 'vitest';
import { useOfRunners } from '../../../bench/mix/busy.ts';
import { measureMix } from '../../../bench/mix/section.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const started = await benchServerOfTests();

test('the use of runners is what of their slots was busy from the first start to the last', () => {
  const ran = (runnerId: number, startedAt: number, finishedAt: number) => ({
    runnerId,
    startedAt,
    finishedAt,
  });
  // What goes on after the last start does not count, and of two at once the runner is as busy as of one.
  const use = useOfRunners([ran(1, 0, 100), ran(1, 20, 40), ran(2, 60, 70), ran(1, 100, 900)], [1, 2], 2);
  expect(use).toEqual({ busyShare: (100 + 20 + 10) / 400, longestIdleMs: 60 });
  expect(useOfRunners([ran(1, 0, 100), ran(1, 100, 101)], [1, 2], 1)).toEqual({
    busyShare: 0.5,
    longestIdleMs: 100,
  });
});

test('four runners execute a mix of long and short tasks, and it is measured how busy they were', async () => {
  const counts: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows } = await pool.query(
      `select payload ->> 'ms' as ms, state, count(*) from errand.tasks where name = 'example.sleep' group by 1, 2 order by 1`,
    );
    const { rows: runners } = await pool.query('select concurrency from errand.runners');
    counts.push(rows, runners);
  });
  const told: string[] = [];
  const { goals = [] } = await measureMix(server, { tasks: 150, rounds: 1 }, (line) => told.push(line));
  expect(counts).toEqual([
    [
      { ms: '5', state: 'succeeded', count: 135 },
      { ms: '500', state: 'succeeded', count: 15 },
    ],
    Array.from({ length: 4 }, () => ({ concurrency: 4 })),
  ]);
  expect(goals).toEqual([
    {
      ...{ what: 'busy part of the slots', unit: 'of 1', peer: null, goal: { atLeast: 0.8 } },
      ours: [expect.any(Number)],
    },
    { what: 'longest idle time of a runner', unit: 'ms', peer: null, goal: null, ours: [expect.any(Number)] },
  ]);
  const [busy = 0, idle = 0] = goals.flatMap(({ ours }) => ours);
  expect([busy > 0 && busy < 1.1, idle >= 0 && idle < 60_000]).toEqual([true, true]);
  expect(told).toEqual(['a mix of long and short tasks, round 1 of 1']);
  expect([made().length, dropped]).toEqual([1, made()]);
});
