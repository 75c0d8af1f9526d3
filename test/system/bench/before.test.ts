import { readdirSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { measureBefore } from '../../../bench/before/section.ts';
import { measureLatency } from '../../../bench/latency/section.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const temporary = scratchFolder(0o755);
const started = await benchServerOfTests('empty');
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('this build and that of a commit execute, take submissions and start tasks, by turns', async () => {
  const states: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows } = await pool.query('select state, count(*) from errand.tasks group by state');
    states.push(...rows);
  });
  const told: string[] = [];
  const options = { tasks: 50, rounds: 1, repetitions: 2, baseline: 'HEAD', temporary };
  const { goals = [] } = await measureBefore(server, options, (line) => told.push(line));
  // Of each build in each of two rounds, the one that warms up too.
  expect(states).toEqual([1, 2].map(() => ({ state: 'succeeded', count: 104 })));
  expect(goals.map(({ what, peer, goal }) => [what, peer?.name, goal])).toEqual([
    ['execution', 'HEAD', { atLeast: 0.97 }],
    ['submission', 'HEAD', { atLeast: 0.97 }],
    ['start of a handler', 'HEAD', { atMost: 1.03 }],
  ]);
  const figures = goals.flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(figures.filter((figure) => !(figure > 0))).toEqual([]);
  expect(told).toEqual([
    ...['warming up: this build, round 1 of 1', 'warming up: HEAD, round 1 of 1'],
    ...['this build, round 1 of 1', 'HEAD, round 1 of 1'],
  ]);
  expect([made().length, dropped.toSorted(), readdirSync(temporary)]).toEqual([2, made().toSorted(), []]);
});

test('a clone without the commit says so, and leaves nothing behind', async () => {
  const baseline = '0123456789abcdef0123456789abcdef01234567';
  const options = { tasks: 50, rounds: 1, repetitions: 2, baseline, temporary };
  await expect(measureBefore(started, options, () => {})).rejects.toThrow(`has no commit ${baseline}`);
  expect(readdirSync(temporary)).toEqual([]);
});

test('the start of a handler is measured beside graphile-worker and a commit, from the answer and from sending', async () => {
  const options = { repetitions: 5, baseline: 'HEAD', temporary };
  const { goals = [] } = await measureLatency(started, options, () => {});
  expect(goals.map(({ what, peer, ours }) => [what, peer?.name, ours.length, peer?.rounds.length])).toEqual(
    ['graphile-worker', 'HEAD'].flatMap((peer) => [
      ['from the answer to the start, median', peer, 5, 5],
      ['from the answer to the start, p99', peer, 1, 1],
      ['from sending to the start, median', peer, 5, 5],
      ['from sending to the start, p99', peer, 1, 1],
    ]),
  );
  const [fromAnswer] = goals;
  // A machine that is busy may be slow to take the answer.
  const isPossible = fromAnswer?.peer?.rounds.every((ms) => ms > 0);
  const asked = [isPossible ? { atMost: 1 } : null, null, { atMost: 1.4 }, null];
  expect(goals.map(({ goal }) => goal)).toEqual([...asked, null, null, null, null]);
  const fromSending = goals.filter(({ what }) => what.startsWith('from sending'));
  const figures = fromSending.flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(figures.filter((ms) => !(ms > 0 && ms < 60_000))).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
});
