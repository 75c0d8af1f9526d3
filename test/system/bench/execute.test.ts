import { expect, test } from 'vitest';
import { measureBacklog } from '../../../bench/execute/backlog.ts';
import { measureRunners } from '../../../bench/execute/runners.ts';
import type { Section } from '../../../bench/report.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const started = await benchServerOfTests();

/** What a goal is, without its figures, which must be there. */
function shapes({ goals = [] }: Section) {
  return goals.map(({ what, ours, peer, goal }) => {
    const figures = [...ours, ...(peer?.rounds ?? [])];
    const good = figures.length === 2 && figures.every((figure) => figure > 0 && Number.isFinite(figure));
    return { what, peer: peer?.name, goal, good };
  });
}

test('tasks are executed while few and while many wait, of which as many wait before each round', async () => {
  const states: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows } = await pool.query(
      `select count(*) filter (where state = 'succeeded') as done, count(*) filter (where state = 'queued') as queued,
              count(*) as all
         from errand.tasks`,
    );
    states.push(rows[0]);
  });
  const section = await measureBacklog(server, { tasks: 400, few: 200, many: 1_000, rounds: 1 }, () => {});
  const peer = 'Errand while 200 wait';
  expect(shapes(section)).toEqual([
    { what: 'execution while 1,000 wait', peer, goal: { atLeast: 0.9 }, good: true },
  ]);
  // Before the second of two rounds, of which each executed 400 at least, as many waited as before the first.
  const counts = states as { done: number; queued: number; all: number }[];
  expect(counts.map(({ done, queued, all }) => [done >= 800, all - done - queued])).toEqual([
    [true, 0],
    [true, 0],
  ]);
  expect(counts.map(({ all }, index) => all >= ([800, 1_400][index] ?? 0))).toEqual([true, true]);
  expect([made().length, dropped.toSorted()]).toEqual([2, made()]);
});

test('what four processes execute is compared with what one does, of each queue by itself', async () => {
  const section = await measureRunners(started, { tasks: 200, waiting: 100, rounds: 1 }, () => {});
  const peer = 'graphile-worker';
  expect(shapes(section)).toEqual([
    { what: 'rate of four / rate of one', peer, goal: { atLeast: 1 }, good: true },
    { what: 'execution by one', peer, goal: null, good: true },
    { what: 'execution by four', peer, goal: null, good: true },
    { what: 'rate of four / rate of one, of tasks of 5 ms', goal: { atLeast: 3.8 }, good: false },
    { what: 'rate of four / rate of one, of tasks of 5 ms', peer, goal: { atLeast: 1 }, good: true },
    { what: 'execution by one, of tasks of 5 ms', peer, goal: null, good: true },
    { what: 'execution by four, of tasks of 5 ms', peer, goal: null, good: true },
    { what: 'statements by four, of tasks of 5 ms', peer, goal: null, good: true },
    // The CPU of so few tasks may be too little to be counted.
    { what: 'CPU of four, of tasks of 5 ms', peer, goal: null, good: expect.any(Boolean) },
  ]);
  const [factor, one, four, waitingFactor, , waitingOne, waitingFour] = section.goals ?? [];
  expect(factor?.ours[0]).toBe((four?.ours[0] ?? 0) / (one?.ours[0] ?? 0));
  expect(waitingFactor?.ours[0]).toBe((waitingFour?.ours[0] ?? 0) / (waitingOne?.ours[0] ?? 0));
  // Four slots that each wait 5 ms at least, in one process and in four, and what a timer gives or takes.
  for (const [rate, slots] of [
    [waitingOne, 4],
    [waitingFour, 16],
  ] as const)
    for (const figure of [...(rate?.ours ?? []), ...(rate?.peer?.rounds ?? [])])
      expect(figure).toBeLessThan(slots * 300);
});
