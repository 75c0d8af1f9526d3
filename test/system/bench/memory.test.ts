import { expect, test } from 'vitest';
import { measureMemory } from '../../../bench/memory/section.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const started = await benchServerOfTests();

test('the memory of API and runner is read after each tenth of the tasks, all of which are executed', async () => {
  let states: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    ({ rows: states } = await pool.query(
      'select name, state, count(*) from errand.tasks group by name, state',
    ));
  });
  const told: string[] = [];
  const { goals = [], data } = await measureMemory(server, { tasks: 2_000 }, (line) => told.push(line));
  // One more by itself for each hundred of a batch.
  expect(states).toEqual([{ name: 'example.now', state: 'succeeded', count: 2_020 }]);
  expect(goals.map(({ what, unit, ours, peer, goal }) => [what, unit, ours.length, peer, goal])).toEqual(
    ['API', 'runner'].flatMap((process) => [
      [`growth of the ${process}`, '× after a fifth', 1, null, { atMost: 1.3 }],
      [`memory of the ${process}`, 'MB', 9, null, null],
      [`heap in use of the ${process}`, 'MB', 9, null, null],
    ]),
  );
  expect(goals.flatMap(({ ours }) => ours).filter((figure) => !(figure > 0 && figure < 10_000))).toEqual([]);
  const [growth, memory] = goals;
  expect(growth?.ours[0]).toBe((memory?.ours.at(-1) ?? 0) / (memory?.ours[0] ?? 0));
  expect(data).toMatchObject({ tasks: 2_000, processes: [{ name: 'API' }, { name: 'runner' }] });
  expect([told.length, told.at(-1)]).toEqual([10, 'memory, part 10 of 10 of 2,000 tasks']);
  expect([made().length, dropped]).toEqual([1, made()]);
});
