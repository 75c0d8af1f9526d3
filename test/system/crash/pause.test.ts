import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { dispatchLost, dropStaleDispatches } from '../../../store/attempts/reconcile.ts';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { pause, resume } from '../../support/pauses.ts';
import {
  type FixtureRunner,
  lostRunners,
  OUTLASTING,
  running,
  startFixtureRunner,
  steady,
  UNDER_WAY_MS,
} from '../../support/runners.ts';
import { finished, outcomes, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const work = (ms: number) => ({ name: 'fixture.work', payload: { ms } });
const stubborn = (ms: number) => ({ name: 'fixture.stubborn', payload: { ms } });

/** How often each task was executed, by whichever of the runners. */
function executions(runners: FixtureRunner[], ids: string[]): number[] {
  return ids.map((id) => runners.reduce((sum, runner) => sum + (runner.executions.get(id) ?? 0), 0));
}

/** Ends the connection of each runner's lease: until it has connected again it hears no notification. */
async function deafen(pool: Pool): Promise<void> {
  const { rowCount } = await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'errand lease'`,
  );
  expect(rowCount).toBeGreaterThan(0);
}

test('kill -9 of a runner while paused: what it ran is due again and waits, too, until all is resumed', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const victim = await startFixtureRunner(url, { RUNNER_CONCURRENCY: '2' });
  const survivor = await startFixtureRunner(url, OUTLASTING);
  await steady(pool, 2);
  survivor.child.kill('SIGSTOP');
  const tasks = await submit(pool, ...Array.from({ length: 8 }, () => work(UNDER_WAY_MS)));
  for (const { id } of tasks) history.ok(id);
  const ids = history.acknowledged();
  await running(pool, 2);
  await pause(pool, 'fixture.work');
  victim.child.kill('SIGKILL');
  survivor.child.kill('SIGCONT');
  await until('the survivor has taken over', async () => (await lostRunners(pool)) === 1);
  // It is well, and goes on with what is not paused.
  const other = await submitOne(pool, stubborn(1));
  history.ok(other.id);
  await finished(pool, other.id);
  expect(executions([survivor], ids).every((count) => count === 0)).toBe(true);
  const waiting = await Promise.all(ids.map((id) => getTask(pool, id)));
  expect(new Set(waiting.map((task) => task?.state))).toEqual(new Set(['queued']));
  await history.check(pool);
  await resume(pool, 'fixture.work');
  await until('all have finished', () => allFinished(pool));
  await history.check(pool);
  expect(executions([survivor], ids)).toEqual(ids.map(() => 1));
  const ends = await Promise.all(ids.map((id) => outcomes(pool, id)));
  const twice = ends.filter((list) => list.length > 1);
  expect(twice).toEqual(
    Array.from({ length: 2 }, () => [
      [1, 'crashed'],
      [2, 'succeeded'],
    ]),
  );
  expect(ends.map((list) => list.at(-1)?.[1])).toEqual(ids.map(() => 'succeeded'));
});

test('runners that were deaf when it was paused start nothing that they begin later, and notice the end', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const runners = await Promise.all([1, 2].map(() => startFixtureRunner(url, { RUNNER_LEASE_SECS: '5' })));
  await steady(pool, 2);
  await deafen(pool);
  await pause(pool, 'fixture');
  const due = { ...work(1), runAt: '2020-01-01T00:00:00.000Z' };
  const tasks = await submit(pool, ...Array.from({ length: 50 }, () => due));
  for (const { id } of tasks) history.ok(id);
  const ids = history.acknowledged();
  const end = performance.now() + 1_500;
  await until('they would have been fetched and done', () => performance.now() > end);
  expect(executions(runners, ids).every((count) => count === 0)).toBe(true);
  await history.check(pool);
  // However long they have been due, their dispatches are not lost.
  expect([(await dispatchLost(pool)).dispatched, await dropStaleDispatches(pool)]).toEqual([0, 0]);
  await resume(pool, 'fixture', false);
  await until('all have finished', () => allFinished(pool));
  expect(executions(runners, ids)).toEqual(ids.map(() => 1));
  await history.check(pool);
});

test('under load pauses come and go while a runner is killed: nothing is lost, and each task succeeds once', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  // None of them counts as lost before one is killed, however slow the machine is.
  const environment = { RUNNER_CONCURRENCY: '4', RUNNER_LEASE_SECS: '6' };
  const start = () => startFixtureRunner(url, environment);
  const [victim, ...runners] = await Promise.all([start(), start(), start()]);
  await steady(pool, 3);
  for (let round = 0; round < 8; round++) {
    const batch = [
      ...Array.from({ length: 40 }, () => work(5)),
      ...Array.from({ length: 10 }, () => stubborn(5)),
    ];
    for (const { id } of await submit(pool, ...batch)) history.ok(id);
    const target = round % 2 === 0 ? 'fixture.work' : 'fixture';
    await pause(pool, target, round % 3 !== 0);
    if (round === 4) victim.child.kill('SIGKILL');
    await resume(pool, target, round % 3 !== 1);
    const last = history.acknowledged().slice(-50);
    await until('some of it was executed', () =>
      executions([victim, ...runners], last).some((count) => count > 0),
    );
  }
  await until('all have finished', () => allFinished(pool));
  await until('the victim is missed', async () => (await lostRunners(pool)) === 1);
  for (const id of history.acknowledged()) {
    expect(await getTask(pool, id)).toMatchObject({ state: 'succeeded' });
    expect((await outcomes(pool, id)).filter(([, outcome]) => outcome === 'succeeded')).toHaveLength(1);
  }
  await history.check(pool);
});
