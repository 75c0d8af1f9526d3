import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { allFinished } from '../../support/history.ts';
import { registered, startFixtureRunner } from '../../support/runners.ts';
import { until } from '../../support/until.ts';
import { clockAtRate } from '../clock/faked_clock.ts';
import { checkTimes } from './check_times.ts';
import { endAll, makeSchedules, several } from './made_schedules.ts';

test('a runner whose timers fire early submits nothing early, and nothing twice (good_job#1543)', async () => {
  const { url, pool } = await createDatabase();
  const runner = await startFixtureRunner(url, { RUNNER_LEASE_SECS: '6', ...clockAtRate(2) });
  await registered(pool, 1);
  const settings = { overlap: 'allow', catch_up: 'all' } as const;
  const schedules = await makeSchedules(pool, [
    ...several(5, {
      ...{ id: 'fixture.every_second', everySecs: 1, runsAll: true },
      settings: { every_seconds: 1, ...settings },
    }),
    { id: 'fixture.cron', everySecs: 2, runsAll: true, settings: { cron: '*/2 * * * * *', ...settings } },
  ]);
  const countTasks = async (): Promise<number> => (await pool.query('select from errand.tasks')).rows.length;
  await until('many times have passed', async () => (await countTasks()) >= 35);
  await endAll(pool);
  await until('all tasks have finished', () => allFinished(pool));
  await checkTimes(pool, schedules);
  expect(runner.executions.size).toBe(await countTasks());
});
