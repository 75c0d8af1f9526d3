import { expect, test } from 'vitest';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { recordHistory } from '../../support/history.ts';
import { lostRunners, startFixtureRunner, steady, UNDER_WAY_MS } from '../../support/runners.ts';
import { finished, inState, outcomes, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const work = (ms: number) => ({ name: 'fixture.work', payload: { ms } });
const strike = (name: string, how: string, blockMs: number) => ({
  name: `fixture.${name}`,
  payload: { how, ms: 1_000, blockMs },
});
const LEASE_MS = 2_000;

test('O6: a handler that computes for three leases keeps the lease, and what it blocks is told by name', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const [runner, other] = await Promise.all([
    startFixtureRunner(url),
    startFixtureRunner(url, { RUNNER_CONCURRENCY: '1' }),
  ]);
  await steady(pool, 2);
  other.child.kill('SIGSTOP');
  const [computing, neighbour] = await submit(
    pool,
    strike('killer', 'loop', 3 * LEASE_MS),
    work(UNDER_WAY_MS),
  );
  const id = computing?.id ?? '';
  history.ok(id);
  history.ok(neighbour?.id ?? '');
  await inState(pool, id, 'running');
  other.child.kill('SIGCONT');
  await until('it is known what blocks the runner', async () => {
    const { rows } = await pool.query(
      'select from errand.runners where blocked_by = $1 and blocked_since < now()',
      [id],
    );
    return rows.length === 1;
  });
  for (const one of [id, neighbour?.id ?? '']) {
    expect(await finished(pool, one)).toMatchObject({ state: 'succeeded', attempt: 1, crashes: 0 });
  }
  await until('the runner is not blocked any more', async () => {
    const { rows } = await pool.query('select from errand.runners where blocked_by is not null');
    return rows.length === 0;
  });
  expect(runner.output()).toContain('the event loop is blocked: the lease is kept');
  expect(runner.output()).toContain(`"task_id":"${id}"`);
  expect(await lostRunners(pool)).toBe(0);
  await history.check(pool);
});

test.each(['loop', 'native'])(
  'O6: a handler that never comes back (%s) is ended with its process when its time is over, and is blamed by name',
  async (how) => {
    const { url, pool } = await createDatabase();
    const history = recordHistory();
    const runner = await startFixtureRunner(url);
    const [guilty, ...neighbours] = await submit(
      pool,
      strike('brief', how, 3_600_000),
      ...Array.from({ length: 5 }, () => work(20_000)),
    );
    for (const task of [guilty, ...neighbours]) history.ok(task?.id ?? '');
    expect(await runner.exited).toBe('SIGKILL');
    const task = await getTask(pool, guilty?.id ?? '');
    expect(task).toMatchObject({
      state: 'retrying',
      attempt: 2,
      crashes: 0,
      error: { error_code: 'TIMEOUT' },
    });
    expect(task?.error?.message).toBe(
      'The attempt took longer than 1000 ms: it blocked the event loop and did not come back, so its process was ended',
    );
    expect(await outcomes(pool, guilty?.id ?? '')).toEqual([[1, 'timed_out']]);
    for (const { id } of neighbours) {
      expect(await getTask(pool, id)).toMatchObject({ state: 'queued', attempt: 2, crashes: 0 });
      expect(await outcomes(pool, id)).toEqual([[1, 'interrupted']]);
    }
    const { rows } = await pool.query('select end_reason from errand.runners');
    expect(rows).toEqual([{ end_reason: 'stopped' }]);
    await history.check(pool);
  },
);

test('X6: a runner that is told to stop while its event loop is blocked for ever ends all the same, and hands over', async () => {
  const { url, pool } = await createDatabase();
  const runner = await startFixtureRunner(url);
  const [guilty, neighbour] = await submit(pool, strike('brief', 'loop', 3_600_000), work(20_000));
  await inState(pool, guilty?.id ?? '', 'running');
  runner.child.kill('SIGTERM');
  expect(await runner.exited).toBe('SIGKILL');
  expect(await outcomes(pool, guilty?.id ?? '')).toEqual([[1, 'timed_out']]);
  expect(await outcomes(pool, neighbour?.id ?? '')).toEqual([[1, 'interrupted']]);
});
