import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { lostRunners, startFixtureRunner, steady } from '../../support/runners.ts';
import { outcomes, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const HOUR_MS = 3_600_000;
const PRELOAD = `--import=${pathToFileURL(join(import.meta.dirname, 'fixtures', 'shifted_clock.ts')).href}`;

/** Everything that is written with a time, in seconds from when the task was due. */
const TIMES = `
  select t.id, t.name,
         extract(epoch from t.started_at - t.run_at)::float8 as started,
         extract(epoch from t.finished_at - t.run_at)::float8 as finished,
         extract(epoch from t.finished_at - t.started_at)::float8 as lasted,
         (select array_agg(extract(epoch from a.finished_at - errand.uuid_time(t.id))::float8)
            from errand.attempts a where a.task_id = t.id) as ended,
         (select array_agg(extract(epoch from l.at - errand.uuid_time(t.id))::float8)
            from errand.logs l where l.task_id = t.id) as logged
    from errand.tasks t`;

/** What comes of a clock that is wrong by an hour is further off, and what a busy machine takes is not. */
const FAR_SECS = 1_800;

test('F14: runners whose clocks are an hour ahead and behind: no task is early, late or lost', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const runners = await Promise.all(
    [HOUR_MS, -HOUR_MS].map((shift) =>
      startFixtureRunner(url, {
        NODE_OPTIONS: PRELOAD,
        CLOCK_SHIFT_MS: String(shift),
        RUNNER_CONCURRENCY: '3',
        // None dies here: on a busy machine one that is late must not be taken for dead.
        RUNNER_LEASE_SECS: '6',
      }),
    ),
  );
  for (const [index, runner] of runners.entries()) {
    const [, time] = await until('it has logged', () => /"time":"([^"]+)"/.exec(runner.output()));
    const hours = (Date.parse(String(time)) - Date.now()) / HOUR_MS;
    expect(Math.round(hours)).toBe(index === 0 ? 1 : -1);
  }
  await steady(pool, 2);
  const work = { name: 'fixture.work', payload: { ms: 300 } };
  const { rows } = await pool.query<{ later: string }>(`select now() + interval '2 seconds' as later`);
  const tasks = await submit(
    pool,
    ...Array.from({ length: 8 }, () => ({ ...work, runAt: String(rows[0]?.later) })),
    ...Array.from({ length: 8 }, () => ({ ...work, delayMs: 2_000 })),
    ...Array.from({ length: 8 }, () => work),
    ...Array.from({ length: 4 }, () => ({ name: 'fixture.fail', payload: { ms: 300 } })),
  );
  for (const { id } of tasks) history.ok(id);
  await until('all have finished', () => allFinished(pool));
  const executed = runners.map(({ executions }) => executions.size);
  expect(Math.min(...executed), 'both had work').toBeGreaterThan(0);
  for (const row of (await pool.query(TIMES)).rows) {
    expect(row.started).toBeGreaterThanOrEqual(0);
    expect(row.started).toBeLessThan(FAR_SECS);
    expect(row.lasted).toBeGreaterThanOrEqual(0.29);
    expect(row.lasted).toBeLessThan(FAR_SECS);
    for (const time of [...(row.ended ?? []), ...row.logged]) {
      expect(time).toBeGreaterThan(0);
      expect(time).toBeLessThan(FAR_SECS);
    }
  }
  for (const { id } of tasks) expect((await outcomes(pool, id)).at(-1)?.[1]).toBe('succeeded');
  expect(await lostRunners(pool)).toBe(0);
  await history.check(pool);
});
