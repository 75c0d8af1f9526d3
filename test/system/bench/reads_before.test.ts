import { readdirSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { goalsOf, measureReadsBefore, READS } from '../../../bench/reads/before.ts';
import { askFor } from '../../../bench/reads/closed_loop.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const temporary = scratchFolder(0o755);
const started = await benchServerOfTests('empty');
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('this build and that of a commit are asked for each read in turns, on ledgers of the same size', async () => {
  const finished: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows } = await pool.query(
      `select (select count(*) from errand.tasks where name <> 'example.now') as tasks,
              (select count(*) > 0 from errand.rollups) as are_summed_up`,
    );
    finished.push(...rows);
  });
  const told: string[] = [];
  const options = { tasks: 2_000, rounds: 1, seconds: 0.2, baseline: 'HEAD', temporary };
  const { goals = [] } = await measureReadsBefore(server, options, (line) => told.push(line));
  expect(finished).toEqual([1, 2].map(() => ({ tasks: 2_000, are_summed_up: true })));
  expect(goals.map(({ what, peer, goal }) => [what, peer?.name ?? null, goal])).toEqual(
    READS.flatMap(({ what, connections, atMost }) => [
      [`${what}, ${connections} connections, p99`, 'HEAD', atMost === null ? null : { atMost }],
      [`${what}, ${connections} connections, p99`, null, { atMost: 100 }],
      [`creation beside ${what}, p99`, 'HEAD', null],
      [`CPU of ${what}`, 'HEAD', null],
    ]),
  );
  const figures = goals.flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(figures.filter((figure) => !(figure >= 0))).toEqual([]);
  expect(told).toContain('a task, HEAD, round 1 of 1');
  expect([made().length, dropped.toSorted(), readdirSync(temporary)]).toEqual([2, made().toSorted(), []]);
});

test('lists must take a third of the time of the earlier build, figures half, and all less than 100 ms', () => {
  expect(READS.map(({ what, connections, atMost }) => [what, connections, atMost])).toEqual([
    ['first page', 32, 0.3],
    ['pages from everywhere', 32, 0.3],
    ['a task', 32, null],
    ['statistics', 8, 0.5],
    ['performance', 8, 0.5],
    ['bottlenecks', 8, 0.5],
  ]);
  const took = (p99: number) => ({
    reads: { times: 9, median: 1, p99 },
    creations: { times: 9, median: 1, p99: 7 },
    cpuMs: 2,
  });
  const read = { what: 'first page', connections: 32, atMost: 0.3 };
  const [beside, absolute, creation] = goalsOf([{ read, ours: [took(20)], theirs: [took(80)] }], 'old');
  expect([beside?.ours, beside?.peer?.rounds, absolute?.ours, absolute?.peer]).toEqual([
    [20],
    [80],
    [20],
    null,
  ]);
  expect([creation?.ours, creation?.peer?.rounds]).toEqual([[7], [7]]);
});

test('a read or a submission that fails fails the measurement', async () => {
  const client = (get: () => Promise<string>) => ({
    get,
    post: async () => '',
    put: async () => '',
    close: async () => {},
  });
  const fine = client(async () => '');
  const asked = { reader: fine, writer: fine, submit: async () => '', cpuSeconds: async () => 0 };
  const asking = { connections: 2, path: () => '/' };
  const bad = client(() => Promise.reject(new Error('answered 500')));
  await expect(askFor({ ...asked, reader: bad }, asking, 0.1)).rejects.toThrow('answered 500');
  const submit = () => Promise.reject(new Error('answered 503'));
  const slow = client(() => new Promise((resolve) => setImmediate(resolve, '')));
  await expect(askFor({ ...asked, reader: slow, submit }, asking, 0.1)).rejects.toThrow('answered 503');
});
