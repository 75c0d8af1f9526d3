import { readdirSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { measureLatency } from '../../../bench/latency/section.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { benchServerOfTests } from './bench_server.ts';

const temporary = scratchFolder(0o755);
const server = await benchServerOfTests('empty');
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('the start of a handler is measured beside graphile-worker and a commit, from the answer and from sending', async () => {
  const options = { repetitions: 5, baseline: 'HEAD', temporary };
  const { goals = [] } = await measureLatency(server, options, () => {});
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
