import { expect, test } from 'vitest';
import { measureLimits } from '../../../bench/limits/section.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const started = await benchServerOfTests();

test('Q9: limits are measured beside tasks without a limit, with the time of a hand-over and behind a backlog', async () => {
  const { server, made, dropped } = watchedServer(started, async () => {});
  const told: string[] = [];
  const options = { tasks: 60, rounds: 2, keys: 20, handOvers: 20, backlog: 60, others: 2 };
  const section = await measureLimits(server, options, (line) => told.push(line));

  expect([made().length, dropped.toSorted()]).toEqual([2, made().toSorted()]);
  const goals = section.goals ?? [];
  expect(goals.map(({ what, peer, goal, ours }) => [what, peer?.name, goal, ours.length])).toEqual([
    ['execution with a limit of 100', 'Errand without a limit', { atLeast: 0.7 }, 2],
    ['execution with 20 keys of a limit of 1', 'Errand without a limit', { atLeast: 0.5 }, 2],
    ['hand-over of a limit of 1, median', undefined, { atMost: 5 }, 1],
    ['hand-over of a limit of 1 through the ledger, median', undefined, { atMost: 5 }, 1],
    ['start behind 60 tasks of another key', undefined, { atMost: 100 }, 2],
  ]);
  const figures = goals.flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(figures.filter((figure) => !(figure > -1 && figure < 1e7))).toEqual([]);
  expect(told.slice(0, 2)).toEqual([
    'bench.free is executed, round 1 of 2',
    'bench.hundred is executed, round 1 of 2',
  ]);
  expect(told.slice(-2)).toEqual(['hand-over of a limit of 1', 'a task behind 60 of another key']);
});
