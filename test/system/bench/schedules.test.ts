import { expect, test } from 'vitest';
import { measureSchedules } from '../../../bench/schedules/section.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const started = await benchServerOfTests();

test('the cost of schedules is measured with none, some and many due, and their lag beside other crons in the same minute', async () => {
  const stored: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows } = await pool.query(
      `select count(*)::integer as all, count(*) filter (where due_at < now() + interval '1 day')::integer as near
         from errand.schedules`,
    );
    stored.push(rows[0]);
  });
  const sizes = { schedules: 40, due: 5, perMinute: 3 };
  const times = { ticks: 2, idleMs: 500, minutes: 1 };
  const told: string[] = [];
  const section = await measureSchedules(server, { ...sizes, ...times }, (line) => told.push(line));

  const none = { all: 0, near: 0 };
  // The databases of the peers are migrated, as all are here.
  const ofLag = [none, none, { all: 4, near: 4 }];
  expect(stored).toEqual([none, { all: 40, near: 0 }, { all: 40, near: 5 }, ...ofLag]);
  expect([made().length, dropped.toSorted()]).toEqual([6, made().toSorted()]);
  const goals = section.goals ?? [];
  expect(goals.map(({ what, peer, goal }) => [what, peer?.name, goal])).toEqual([
    ['Postgres at a time with 5 of 40 schedules due', undefined, { atMost: 50 }],
    ['Postgres per second, none of 40 schedules due', undefined, null],
    ['statements per minute, none of 40 schedules due', undefined, null],
    ['statements per minute, no schedule', undefined, null],
    ['the same per heartbeat', undefined, { atMost: 1.1 }],
    ['all statements per minute, no schedule', undefined, null],
    ['lag of a schedule of each second, p99', undefined, { atMost: 250 }],
    ['lag of a schedule of each second, median', undefined, null],
    ...['p99', 'median'].flatMap((figure) =>
      ['graphile-worker', 'pg-boss'].map((peer) => [
        ...[`lag at full minutes, ${figure}`, peer],
        figure === 'p99' ? { atMost: 0.5 } : null,
      ]),
    ),
  ]);
  const lags = goals.slice(6).flatMap(({ ours, peer }) => [...ours, ...(peer?.rounds ?? [])]);
  expect(lags.filter((ms) => !(ms > -10 && ms < 60_000))).toEqual([]);
  const [ticks] = goals;
  expect(ticks?.ours.map((ms) => ms > 0)).toEqual([true, true]);
  expect(told).toEqual(['cost of 40 schedules', 'lag of schedules', 'schedules of each minute, 1 of 1']);
});
