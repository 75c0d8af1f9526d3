import { readdirSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { measureMemory } from '../../../bench/memory/section.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const started = await benchServerOfTests();
const temporary = scratchFolder(0o755);
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('the memory of API and runner is read while they are idle, and after each tenth of the tasks, all of which are executed', async () => {
  let states: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    ({ rows: states } = await pool.query(
      'select name, state, count(*) from errand.tasks group by name, state',
    ));
  });
  const told: string[] = [];
  const options = { tasks: 2_000, rounds: 1, baseline: 'HEAD', temporary };
  const { goals: all = [], data } = await measureMemory(server, options, (line) => told.push(line));
  // One more by itself for each hundred of a batch.
  expect(states).toEqual([{ name: 'example.now', state: 'succeeded', count: 2_020 }]);
  const [idle, goals] = [all.slice(0, 2), all.slice(2)];
  expect(idle.map(({ what, ours, peer, goal }) => [what, ours.length, peer?.rounds.length, goal])).toEqual(
    ['API', 'runner'].map((process) => [`memory of an idle ${process}`, 1, 1, { atMost: 0.6 }]),
  );
  expect(idle.map(({ peer }) => peer?.name)).toEqual(['HEAD', 'HEAD']);
  expect(readdirSync(temporary)).toEqual([]);
  expect(goals.map(({ what, unit, ours, peer, goal }) => [what, unit, ours.length, peer, goal])).toEqual(
    ['API', 'runner'].flatMap((process) => [
      [`growth of the ${process}`, '× after a fifth', 1, null, { atMost: 1.3 }],
      [`memory of the ${process}`, 'MB', 9, null, null],
      [`heap in use of the ${process}`, 'MB', 9, null, null],
    ]),
  );
  expect(
    [...idle, ...goals]
      .flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])])
      .filter((figure) => !(figure > 0 && figure < 10_000)),
  ).toEqual([]);
  const [growth, memory] = goals;
  expect(growth?.ours[0]).toBe((memory?.ours.at(-1) ?? 0) / (memory?.ours[0] ?? 0));
  expect(data).toMatchObject({ tasks: 2_000, processes: [{ name: 'API' }, { name: 'runner' }] });
  expect([told.length, told.at(-1)]).toEqual([14, 'memory, part 10 of 10 of 2,000 tasks']);
  // Those of the two idle builds are dropped in reverse order.
  expect([made().length, dropped.toSorted()]).toEqual([3, made().toSorted()]);
});
