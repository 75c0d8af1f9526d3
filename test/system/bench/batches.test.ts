import { expect, test } from 'vitest';
import { measureBatches } from '../../../bench/batches/section.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const started = await benchServerOfTests();

test('tasks in batches are compared with the same tasks one by one, and all are executed', async () => {
  const counts: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows } = await pool.query(
      `select name, state, count(*)::int,
              (select count(*)::int from public.bench_sink) as written
         from errand.tasks group by 1, 2`,
    );
    counts.push(...rows);
  });
  const { goals = [] } = await measureBatches(server, { tasks: 150, rounds: 1 }, () => {});
  // The warm-up has half as many.
  const done = { state: 'succeeded', count: 225 };
  expect(counts).toEqual([
    { name: 'bench.nothing_together', ...done, written: 0 },
    { name: 'bench.nothing', ...done, written: 0 },
    { name: 'bench.write_together', ...done, written: 225 },
    { name: 'bench.write', ...done, written: 225 },
  ]);
  expect(goals).toHaveLength(6);
  for (const { ours, peer } of goals) {
    expect(ours).toEqual([expect.any(Number)]);
    expect(peer?.rounds).toEqual([expect.any(Number)]);
  }
  expect(dropped).toEqual(made());
});
