import { readdirSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { measureWorkflows } from '../../../bench/workflows/section.ts';
import { typical } from '../../../bench/workflows/statements.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const temporary = scratchFolder(0o755);
const started = await benchServerOfTests('empty');
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('four steps of this build, of a commit and as jobs: alone, their statements, and many at once', async () => {
  const states: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows: tables } = await pool.query(`select to_regclass('errand.tasks') is not null as errand`);
    if (tables[0]?.errand !== true) return;
    const { rows } = await pool.query(
      `select name = 'example.now' as plain, state, count(*)::int as count from errand.tasks group by 1, 2 order by 1`,
    );
    states.push(rows);
  });
  const told: string[] = [];
  const options = { repetitions: 5, many: 10, tasks: 30, rounds: 2, baseline: 'HEAD', temporary };
  const { goals = [], rows } = await measureWorkflows(server, options, (line) => told.push(line));

  // A workflow and its four steps: five times after a warm-up of as many; for the counts ten times; and ten
  // in each of two rounds, after one to warm up.
  const alone = [{ plain: false, state: 'succeeded', count: 5 * 10 }];
  const atOnce = [
    { plain: false, state: 'succeeded', count: 5 * (10 + 30) },
    { plain: true, state: 'succeeded', count: 90 },
  ];
  expect(states).toHaveLength(4);
  expect(states).toEqual(expect.arrayContaining([alone, alone, atOnce, atOnce]));
  expect([made().length, dropped.toSorted(), readdirSync(temporary)]).toEqual([5, made().toSorted(), []]);

  expect(goals.map(({ what, peer, goal, ours }) => [what, peer?.name, goal, ours.length])).toEqual([
    ['four steps, p50', 'graphile-worker', { atMost: 1 }, 5],
    ['four steps, p50', 'HEAD', null, 5],
    ['statements of a workflow, alone', undefined, { atMost: 10 }, 1],
    ['statements of a workflow, alone', 'HEAD', null, 1],
    ['steps of 10 workflows of 4 at once', 'Errand, plain tasks', { atLeast: 0.6 }, 2],
    ['steps of 10 workflows of 4 at once', 'HEAD', null, 2],
  ]);
  const figures = goals.flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(figures.filter((figure) => !(figure > 0 && figure < 1e7))).toEqual([]);
  expect(rows.map(([, by, times]) => [by, times])).toEqual([
    ['Errand', '5'],
    ['graphile-worker', '5'],
    ['HEAD', '5'],
  ]);
  expect(told.slice(0, 2)).toEqual([
    'four steps, as a workflow and as jobs that add each other',
    'the statements of a workflow, alone',
  ]);
});

test('the statements of a workflow are without those that only few of the runs saw', () => {
  const sent = (calls: number, others: [string, number][] = []) =>
    new Map([['1', { query: 'update errand.tasks', calls }], ...others.map(toSent)]);
  const toSent = ([id, calls]: [string, number]): [string, { query: string; calls: number }] => [
    id,
    { query: 'select 1', calls },
  ];
  // A heartbeat in the first, a poll in the third, and a second update in the second one.
  expect(typical([sent(5, [['2', 1]]), sent(6), sent(5, [['3', 2]])])).toEqual({
    calls: 5,
    statements: [{ statement: 'update errand.tasks', calls: 5 }],
  });
});
