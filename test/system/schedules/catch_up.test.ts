import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { allFinished } from '../../support/history.ts';
import { startOwnPostgres } from '../../support/postgres.ts';
import { LEASE, registered } from '../../support/runners.ts';
import { until } from '../../support/until.ts';
import { fakedClock } from '../clock/faked_clock.ts';
import { checkTimes } from './check_times.ts';
import { databaseTime, endAll, makeSchedules, several, type Wanted } from './made_schedules.ts';
import { reviveRunner } from './revived_runner.ts';

const HOUR_SECS = 3_600;
const DOWN_MS = 4_000;
const AWAY_HOURS = 24;
/** So many times a schedule of each second may catch up with. */
const CATCH_UP_MAX = 20;

const SECONDS: Wanted[] = [
  second('all', { catch_up: 'all', overlap: 'allow', catch_up_max: 1_000 }),
  second('last', { catch_up: 'last' }),
  second('skip', { catch_up: 'skip' }),
];

function second(kind: string, settings: Wanted['settings']): Wanted {
  const runsAll = settings.catch_up === 'all';
  return { id: `fixture.${kind}`, everySecs: 1, runsAll, settings: { every_seconds: 1, ...settings } };
}

/** How many of the times of a schedule since a moment were submitted, and how many were skipped. */
async function counts(pool: Pool, id: string, since: Date): Promise<{ submitted: number; skipped: number }> {
  const { rows } = await pool.query<{ outcome: string; times: number }>(
    `select outcome, sum(coalesce(times, 1))::integer as times
       from errand.schedule_runs
      where schedule_id = $1 and coalesce(until, scheduled_for) >= $2
      group by 1`,
    [id, since],
  );
  const count = (outcome: string): number => rows.find((row) => row.outcome === outcome)?.times ?? 0;
  return { submitted: count('submitted'), skipped: count('skipped') };
}

async function handledSince(pool: Pool, id: string, since: Date): Promise<boolean> {
  const { rowCount } = await pool.query('select from errand.schedules where id = $1 and last_at >= $2', [
    id,
    since,
  ]);
  return rowCount === 1;
}

test('F19: Postgres is down across ticks of three runners: each time is handled once, and missed ones as the schedule says', async () => {
  const postgres = await startOwnPostgres();
  const { pool } = postgres;
  const runners = [1, 2, 3].map(() => reviveRunner(postgres.url, LEASE));
  await registered(pool, runners.length);
  const schedules = await makeSchedules(pool, SECONDS);
  const goesOn = async (since: Date): Promise<void> => {
    for (const { id } of schedules)
      await until(`${id} goes on`, () => handledSince(pool, id, new Date(since.getTime() + 3_000)));
  };
  await goesOn(await databaseTime(pool));
  const before = await databaseTime(pool);
  await postgres.crash();
  await pause(DOWN_MS);
  await postgres.start();
  const after = await until('Postgres is back', () => databaseTime(pool).catch(() => null));
  await goesOn(after);
  await endAll(pool);
  await until('all tasks have finished', () => allFinished(pool));
  await checkTimes(pool, schedules);
  const missed = (after.getTime() - before.getTime()) / 1_000 - 2;
  expect((await counts(pool, 'fixture.all', before)).submitted).toBeGreaterThan(missed);
  // They were late by less than what `skip` allows, so it leaves out what `last` does.
  for (const kind of ['last', 'skip'])
    expect((await counts(pool, `fixture.${kind}`, before)).skipped).toBeGreaterThanOrEqual(missed - 1);
});

test('F19: Postgres comes back a day later: the scheduler goes on at once, catches up as configured, and no storm follows', async () => {
  const clock = await fakedClock();
  const postgres = await startOwnPostgres({ environment: clock.environment });
  const { pool } = postgres;
  // Retention must not delete what is compared.
  const environment = { ...LEASE, RETENTION_HOURS: '240' };
  const runners = [1, 2, 3].map(() => reviveRunner(postgres.url, environment));
  await registered(pool, runners.length);
  const startsAt = new Date((await databaseTime(pool)).getTime() + 600_000).toISOString();
  const hour = (kind: string, settings: Wanted['settings']): Wanted => ({
    ...{ id: `fixture.hourly_${kind}`, everySecs: HOUR_SECS, runsAll: settings.catch_up === 'all' },
    settings: { every_seconds: HOUR_SECS, starts_at: startsAt, ...settings },
  });
  const schedules = await makeSchedules(pool, [
    ...several(12, {
      ...second('all', { catch_up: 'all', overlap: 'allow', catch_up_max: CATCH_UP_MAX }),
      runsAll: false,
    }),
    second('last', { catch_up: 'last' }),
    hour('all', { catch_up: 'all', overlap: 'allow' }),
    hour('last', {}),
    // The newest time is 50 minutes ago when Postgres is back.
    hour('skip', { catch_up: 'skip' }),
    hour('window', { catch_up_window_seconds: 600 }),
  ]);
  const before = await databaseTime(pool);
  await until('they have begun', () => handledSince(pool, 'fixture.all_11', before));
  await postgres.crash();
  await clock.shift(AWAY_HOURS * HOUR_SECS);
  await postgres.start();
  const after = await until('Postgres is back', () => databaseTime(pool).catch(() => null));
  expect(after.getTime() - before.getTime()).toBeGreaterThan(AWAY_HOURS * HOUR_SECS * 1_000);
  const later = new Date(after.getTime() + 5_000);
  for (const { id, everySecs } of schedules) {
    const since = everySecs === 1 ? later : new Date(after.getTime() - HOUR_SECS * 1_000);
    await until(`${id} goes on`, () => handledSince(pool, id, since).catch(() => false));
  }
  await endAll(pool);
  await until('all tasks have finished', () => allFinished(pool).catch(() => false));
  await checkTimes(pool, schedules);

  const hourly = { all: [24, 0], last: [1, 23], skip: [0, 24], window: [0, 24] };
  for (const [kind, [submitted, skipped]] of Object.entries(hourly))
    expect(await counts(pool, `fixture.hourly_${kind}`, before), kind).toEqual({ submitted, skipped });
  // Each has one record of all that it left out, and as many tasks as it may catch up with at most.
  const { rows } = await pool.query(
    `select count(*)::integer as schedules, min(tasks)::integer as min, max(tasks)::integer as max
       from (select r.schedule_id,
                    (select count(*) from errand.schedule_runs s
                      where s.schedule_id = r.schedule_id and s.outcome = 'submitted' and s.at = r.at) as tasks
               from errand.schedule_runs r
              where r.schedule_id like 'fixture.all%' and r.reason = 'missed' and r.times is null
                and r.until > r.scheduled_for) caught_up`,
  );
  expect(rows).toEqual([{ schedules: 12, min: CATCH_UP_MAX, max: CATCH_UP_MAX }]);
});
