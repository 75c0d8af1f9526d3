import { expect, test } from 'vitest';
import type { TaskDefinition } from '../../../core/task.ts';
import { now } from '../../../tasks/example/example.now.task.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished } from '../../support/history.ts';
import { startProcess } from '../../support/processes.ts';
import { registered, startFixtureRunner } from '../../support/runners.ts';
import { until } from '../../support/until.ts';
import { checkTimes } from './check_times.ts';
import { endAll, makeSchedules } from './made_schedules.ts';

test('a runner of another repository submits the tasks of a schedule on time, and they wait for theirs (river#742)', async () => {
  const { url, pool } = await createDatabase();
  const other = await startFixtureRunner(url);
  await registered(pool, 1);
  const settings = { every_seconds: 1, overlap: 'allow', catch_up: 'all' } as const;
  const schedules = await makeSchedules(
    pool,
    [{ id: 'example.each_second', everySecs: 1, runsAll: true, settings }],
    { task: now as unknown as TaskDefinition },
  );
  const readStates = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ state: string }>(`select state from errand.tasks where name = $1`, [
      now.name,
    ]);
    return rows.map(({ state }) => state);
  };
  await until('several times have passed', async () => (await readStates()).length >= 4);
  expect(new Set(await readStates())).toEqual(new Set(['queued']));
  const owner = await startProcess('runner/main.ts', url, { NODE_ENV: 'development' });
  await until('the tasks were executed by their own runner', async () =>
    (await readStates()).includes('succeeded'),
  );
  await endAll(pool);
  await until('all tasks have finished', () => allFinished(pool));
  await checkTimes(pool, schedules);
  expect(other.executions.size).toBe(0);
  owner.child.kill('SIGTERM');
  expect(await owner.exited).toBe(0);
});
