import { expect, test } from 'vitest';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { OUTLASTING, running, startFixtureRunner, steady, UNDER_WAY_MS } from '../../support/runners.ts';
import { finished, inState, outcomes, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const together = (how: string, ms = 0) => ({
  name: 'fixture.together',
  payload: { how, ms },
  maxAttempts: 3,
});
const many = (count: number, how: string, ms = 0) => Array.from({ length: count }, () => together(how, ms));

test('Q11, F1: kill -9 in the middle of a batch: each task is recovered alone, and none is lost or recorded twice', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const [victim, survivor] = await Promise.all([
    startFixtureRunner(url),
    startFixtureRunner(url, OUTLASTING),
  ]);
  await steady(pool, 2);
  survivor.child.kill('SIGSTOP');
  const tasks = await submit(pool, ...many(20, 'work', UNDER_WAY_MS));
  for (const { id } of tasks) history.ok(id);
  await running(pool, 20);
  victim.child.kill('SIGKILL');
  survivor.child.kill('SIGCONT');
  for (const { id } of tasks) {
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', crashes: 1, result: { of: 1 } });
    expect(await outcomes(pool, id)).toEqual([
      [1, 'crashed'],
      [2, 'succeeded'],
    ]);
    expect([victim.executions.get(id), survivor.executions.get(id)]).toEqual([1, 1]);
  }
  await history.check(pool);
});

test('Q11, X4: a task that kills its runner is quarantined, and the others of its batch succeed', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const stopping = new AbortController();
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const runner = await startFixtureRunner(url);
      const stopped = new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));
      await Promise.race([runner.exited, stopped]);
      runner.child.kill('SIGKILL');
    }
  };
  const keeping = keep();
  const [killer, ...others] = await submit(pool, together('kill', 1_000), ...many(9, 'work', 100));
  for (const { id } of others) history.ok(id);
  history.ok(killer?.id ?? '');
  await until('all have ended', () => allFinished(pool));
  stopping.abort();
  await keeping;
  expect(await getTask(pool, killer?.id ?? '')).toMatchObject({
    state: 'failed',
    error: { error_code: 'QUARANTINED' },
  });
  for (const { id } of others) expect(await getTask(pool, id)).toMatchObject({ state: 'succeeded' });
  await history.check(pool);
});

test('Q11, O6: an error that nothing catches in a batch handler fails each task of its batch, and no other', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const runner = await startFixtureRunner(url);
  const neighbours = await submit(pool, ...many(20, 'work', UNDER_WAY_MS));
  await running(pool, 20);
  const guilty = await submit(pool, ...many(19, 'work', 60_000), together('fault', 60_000));
  for (const { id } of [...neighbours, ...guilty]) history.ok(id);
  for (const { id } of guilty) {
    const task = await until('it has failed once', async () => {
      const now = await getTask(pool, id);
      return (now?.attempt ?? 0) > 1 || now?.state === 'retrying' ? now : null;
    });
    expect(task).toMatchObject({ error: { message: 'oops' }, crashes: 0 });
  }
  for (const { id } of neighbours)
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, result: { of: 20 } });
  await until('all have failed for good', () => allFinished(pool));
  for (const { id } of guilty) expect(await getTask(pool, id)).toMatchObject({ state: 'failed', attempt: 3 });
  expect(runner.child.exitCode).toBeNull();
  await history.check(pool);
});

test('Q11, O6: a batch handler that blocks its process is ended with it, and each of its tasks has timed out', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const runner = await startFixtureRunner(url);
  const brief = { name: 'fixture.brief_together', maxAttempts: 1 };
  const tasks = await submit(
    pool,
    ...Array.from({ length: 5 }, (_none, n) => ({ ...brief, payload: { how: n === 0 ? 'loop' : 'work' } })),
  );
  for (const { id } of tasks) history.ok(id);
  expect(await runner.exited).toBe('SIGKILL');
  for (const { id } of tasks) {
    expect(await inState(pool, id, 'failed')).toMatchObject({ crashes: 0, error: { error_code: 'TIMEOUT' } });
    expect(await outcomes(pool, id)).toEqual([[1, 'timed_out']]);
  }
  await history.check(pool);
});
