import { expect, test } from 'vitest';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { startTestRunner } from '../../support/runner.ts';
import { running, startFixtureRunner, steady } from '../../support/runners.ts';
import { countFetchedDispatches, outcomes, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { fixtures } from './fixtures/tasks.ts';

const { url, pool } = await createDatabase();
const slots = { RUNNER_CONCURRENCY: '2', SHUTDOWN_TIMEOUT_SECS: '0.3', ABORT_GRACE_SECS: '0.3' };

function task(name: string, ms: number) {
  return { name: `fixture.${name}`, payload: { ms } };
}

test('F4: SIGTERM under load while handlers ignore their abort: a clean hand-over and exit code 0', async () => {
  const history = recordHistory();
  const runner = await startFixtureRunner(url, slots);
  const stubborn = await submit(pool, task('stubborn', 60_000), task('stubborn', 60_000));
  await running(pool, 2);
  const waiting = await submit(pool, ...Array.from({ length: 20 }, () => task('work', 1)));
  for (const { id } of [...stubborn, ...waiting]) history.ok(id);
  await until('dispatches are fetched ahead', async () => (await countFetchedDispatches(pool)) > 1);
  runner.child.kill('SIGTERM');
  expect(await runner.exited).toBe(0);
  expect(await countFetchedDispatches(pool)).toBe(0);
  for (const { id } of stubborn) {
    expect(await getTask(pool, id)).toMatchObject({ state: 'queued', attempt: 2, max_attempts: 26 });
    expect(await outcomes(pool, id)).toEqual([[1, 'interrupted']]);
  }
  for (const { id } of waiting) {
    expect(await getTask(pool, id)).toMatchObject({ state: 'queued', attempt: 1, started_at: null });
  }
  const { rows } = await pool.query('select end_reason from errand.runners');
  expect(rows).toEqual([{ end_reason: 'stopped' }]);
  await pool.query(`update errand.tasks set payload = '{"ms": 1}'`);
  await startTestRunner(pool, { registeredHandlers: fixtures(() => {}) });
  await until('all have finished', () => allFinished(pool));
  for (const { id } of waiting) expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
  await history.check(pool);
  await pool.query('delete from errand.tasks');
});

test('F4: SIGKILL at the end of the grace, for a handler that blocks the event loop: another runner takes over', async () => {
  const history = recordHistory();
  const victim = await startFixtureRunner(url, slots);
  const blocking = await submit(pool, task('block', 60_000), task('work', 60_000));
  await running(pool, 2);
  // They must not be blocked as well.
  await pool.query(`update errand.tasks set payload = '{"ms": 1}'`);
  for (const { id } of blocking) history.ok(id);
  await startTestRunner(pool, { registeredHandlers: fixtures(() => {}), leaseSecs: 2 });
  // Its lease goes on from a thread of its own, which says so.
  await until('the victim is blocked', async () => {
    const { rows } = await pool.query(
      'select 1 from errand.runners where pid = $1 and blocked_since is not null',
      [victim.child.pid],
    );
    return rows.length === 1;
  });
  victim.child.kill('SIGTERM');
  victim.child.kill('SIGKILL');
  expect(await victim.exited).toBe('SIGKILL');
  await steady(pool, 1);
  await until('all have finished', () => allFinished(pool));
  for (const { id } of blocking) {
    expect(await outcomes(pool, id)).toEqual([
      [1, 'crashed'],
      [2, 'succeeded'],
    ]);
  }
  await history.check(pool);
});
