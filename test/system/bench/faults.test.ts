import { readdirSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { keepAsking } from '../../../bench/faults/asking.ts';
import { measureFaults } from '../../../bench/faults/section.ts';
import { waitsOf } from '../../../bench/faults/waits.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { until } from '../../support/until.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const temporary = scratchFolder(0o755);
const started = await benchServerOfTests('empty');
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('this build and that of a commit meet each fault, while another client asks', async () => {
  const submitted: number[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rowCount } = await pool.query(
      'select from errand.tasks where max_attempts > (select min(max_attempts) from errand.tasks)',
    );
    submitted.push(rowCount ?? 0);
  });
  const told: string[] = [];
  const options = { holdMs: 300, baseline: 'HEAD', temporary };
  const { goals = [], rows } = await measureFaults(server, options, (line) => told.push(line));
  const faults = ['an open transaction', 'costly reads'];
  expect(goals.map(({ what, peer, goal }) => [what, peer?.name, goal])).toEqual(
    faults.flatMap((fault) =>
      ['longest wait', 'p99 of waiting'].map((what) => [`${fault}: ${what}`, 'HEAD', { atMost: 0.05 }]),
    ),
  );
  const figures = goals.flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(figures.filter((figure) => !(figure > 0))).toEqual([]);
  const each = faults.flatMap((fault) => ['Errand', 'HEAD'].map((build) => [fault, build]));
  expect(rows.map((row) => row.slice(0, 2))).toEqual(each);
  expect(rows.filter(([, , requests]) => !(Number(requests) >= 10))).toEqual([]);
  expect(told).toEqual(
    faults.flatMap((fault) => ['this build', 'HEAD'].map((build) => `${fault}: ${build}, round 1 of 1`)),
  );
  // What waited for the open transaction was its duplicate, which adds an attempt.
  expect(submitted).toEqual([1, 1, 0, 0]);
  expect([made().length, dropped, readdirSync(temporary)]).toEqual([4, made(), []]);
});

test('a wait is from when a request was due, and that of a refused one lasts until the fault is over', () => {
  const good = (due: number, answered: number) => ({ due, answered, isGood: true });
  const refused = (due: number, answered: number) => ({ due, answered, isGood: false });
  const times = { from: 1_000, to: 2_000, over: 2_500 };
  const waits = (...all: ReturnType<typeof good>[]) => waitsOf(all, times);
  // Those before and after it are not in the fault.
  expect(waits(good(999, 9_000), good(1_000, 1_003), good(1_999, 2_001), good(2_000, 9_000))).toEqual({
    ...{ asked: 2, refused: 0, worstMs: 3, p99Ms: 3 },
  });
  expect(waits(refused(1_100, 1_101), good(1_200, 1_201))).toMatchObject({ refused: 1, worstMs: 1_400 });
  expect(waits(refused(1_100, 3_000))).toMatchObject({ worstMs: 1_900 });
});

test('it is asked at a pace while nobody answers, and a refusal is no good answer', async () => {
  const held: ServerResponse[] = [];
  let isHeld = true;
  const base = await serve((response) => {
    if (isHeld) held.push(response);
    else response.end();
  });
  const asking = keepAsking(base, { method: 'GET', path: '/' });
  const began = performance.now();
  const served = asking.untilServed(began, 1);
  await until('many ask at once', () => held.length >= 10);
  isHeld = false;
  const released = performance.now();
  for (const response of held) response.writeHead(503).end();
  expect(await served).toBeGreaterThan(released);
  const all = await asking.stop();
  expect(all.filter(({ isGood }) => !isGood).length).toBe(held.length);
  expect(all.filter(({ due, answered }) => answered < due)).toEqual([]);
});

test('nobody to ask is told to all that wait', async () => {
  const base = await serve((response) => response.destroy());
  const asking = keepAsking(base, { method: 'GET', path: '/' });
  await expect(asking.untilServed(0, 1)).rejects.toThrow('other side closed');
  await expect(asking.continuesFor(600_000)).rejects.toThrow('other side closed');
  await expect(asking.stop()).rejects.toThrow('other side closed');
});

test('what is not answered well by the end is told as such', async () => {
  const base = await serve((response) => response.writeHead(408).end());
  const asking = keepAsking(base, { method: 'GET', path: '/' });
  const waiting = Promise.allSettled([asking.untilServed(0, 1), asking.continuesFor(600_000)]);
  await asking.stop();
  const reason = new Error('The asking was stopped');
  expect(await waiting).toEqual([1, 2].map(() => ({ status: 'rejected', reason })));
});

/** Answers each request so, on a port of its own, and gives the URL. */
async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await until('it listens', () => server.listening);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
