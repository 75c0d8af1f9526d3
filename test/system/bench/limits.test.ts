import { readdirSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { measureLimits } from '../../../bench/limits/section.ts';
import { hasRedis } from '../../../bench/queues/redis.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const temporary = scratchFolder(0o755);
const started = await benchServerOfTests('empty');
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('Q9: limits are measured beside tasks without a limit, with the time of a hand-over and behind a backlog', async () => {
  const { server, made, dropped } = watchedServer(started, async () => {});
  const told: string[] = [];
  const sizes = { tasks: 60, rounds: 2, keys: 20, handOvers: 20, backlog: 60, others: 2 };
  const options = { ...sizes, baseline: 'HEAD', temporary };
  const section = await measureLimits(server, options, (line) => told.push(line));

  // The limits and the backlog, two builds, and what pg-boss executes in four ways and two rounds.
  expect([made().length, dropped.toSorted()]).toEqual([2 + 2 + 8, made().toSorted()]);
  expect(readdirSync(temporary)).toEqual([]);
  const goals = section.goals ?? [];
  const other = (peer: string, hasKeys: boolean) => [
    ['rate with a limit of 100 / rate without a limit', peer, null, 2],
    ...(hasKeys ? [['rate with 20 keys of a limit of 1 / rate without a limit', peer, null, 2]] : []),
    ['hand-over of a limit of 1, median', peer, null, 1],
  ];
  expect(goals.map(({ what, peer, goal, ours }) => [what, peer?.name, goal, ours.length])).toEqual([
    ['execution without a limit', 'HEAD', { atLeast: 0.97 }, 2],
    ['execution with a limit of 100', 'Errand without a limit', { atLeast: 0.7 }, 2],
    ['execution with 20 keys of a limit of 1', 'Errand without a limit', { atLeast: 0.5 }, 2],
    ['hand-over of a limit of 1, median', undefined, { atMost: 5 }, 1],
    ['hand-over of a limit of 1 through the ledger, median', undefined, { atMost: 5 }, 1],
    ['start behind 60 tasks of another key', undefined, { atMost: 100 }, 2],
    ...other('pg-boss', true),
    ...((await hasRedis()) ? other('BullMQ on Redis', false) : []),
  ]);
  const figures = goals.flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(figures.filter((figure) => !(figure > -1 && figure < 1e7))).toEqual([]);
  expect(told.slice(0, 2)).toEqual([
    'bench.free is executed, round 1 of 2',
    'bench.hundred is executed, round 1 of 2',
  ]);
  const afterRates = told.slice(6, 8);
  expect(afterRates).toEqual(['hand-over of a limit of 1', 'a task behind 60 of another key']);
});
