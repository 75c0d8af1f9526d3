import { expect, test } from 'vitest';
import { measureRecovery } from '../../../bench/recovery/section.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const started = await benchServerOfTests();

test('a runner is killed under a task, and it is measured when the other one has started it again', async () => {
  const rounds: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows } = await pool.query(
      `select t.name, t.state, t.attempt, was.outcome, was.runner_id <> t.runner_id as by_another, dead.end_reason
         from errand.tasks t
         join errand.attempts was on was.task_id = t.id
         join errand.runners dead on dead.id = was.runner_id`,
    );
    rounds.push(rows);
  });
  const told: string[] = [];
  const { goals, about } = await measureRecovery(server, { rounds: 1, leaseSecs: 2 }, (line) =>
    told.push(line),
  );
  const recovered = { name: 'example.sleep', state: 'running', attempt: 2, outcome: 'crashed' };
  expect(rounds).toEqual([[{ ...recovered, by_another: true, end_reason: 'lost' }]]);
  expect(goals).toEqual([
    {
      ...{ what: 'kill -9 to the next attempt', unit: 's', peer: null, goal: { atMost: 20 } },
      ours: [expect.any(Number)],
    },
  ]);
  expect(goals?.[0]?.ours.filter((seconds) => !(seconds > 0 && seconds < 90))).toEqual([]);
  for (const peer of ['lease is 2 s', 'graphile-worker', '4 hours', 'pg-boss', '15 minutes']) {
    expect(about).toContain(peer);
  }
  expect(told).toEqual(['recovery after kill -9, round 1 of 1']);
  expect([made().length, dropped]).toEqual([1, made()]);
});
