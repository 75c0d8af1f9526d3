import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { allFinished } from '../../support/history.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';
import { LEASE, OUTLASTING, steady } from '../../support/runners.ts';
import { finished, outcomes, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { watchPresence } from './presence.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e'];

const start = (url: string, environment: Record<string, string> = {}): Promise<TestProcess> =>
  startProcess('test/system/limits/fixtures/runner.ts', url, { ...LEASE, ...environment });

/** Nothing is left of slots and waits. */
async function isClean(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query(
    `select (select count(*) from errand.limit_slots) + (select count(*) from errand.limit_waits) as left`,
  );
  return rows[0]?.left === 0;
}

test('F20: runners are killed in the middle of batches: never two of a key at once, nor more than the limit in all, and all tasks end', async () => {
  const { url, pool } = await createDatabase();
  const witness = await watchPresence();
  const runners = await Promise.all([start(url), start(url), start(url)]);
  const tasks = await submit(
    pool,
    ...Array.from({ length: 100 }, (_none, index) => ({
      name: 'limits.work',
      payload: { key: KEYS[index % KEYS.length], ms: 20, port: witness.port },
    })),
  );
  for (let kills = 0; kills < 3; kills++) {
    const goal = 15 * (kills + 1);
    await until('some have ended', async () => {
      const { rows } = await pool.query(
        `select count(*) as n from errand.tasks where finished_at is not null`,
      );
      return rows[0].n >= goal;
    });
    runners.shift()?.child.kill('SIGKILL');
    runners.push(await start(url));
  }
  await until('all have finished', () => allFinished(pool));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most('all')).toBeLessThanOrEqual(3);
  expect(witness.most('all')).toBeGreaterThan(1);
  expect(KEYS.map(witness.most)).toEqual([1, 1, 1, 1, 1]);
  await until('no slot is taken', () => isClean(pool));
});

test('a runner that is stopped keeps its slot for a lease; when it continues, its attempt is aborted at once', async () => {
  const { url, pool } = await createDatabase();
  const witness = await watchPresence();
  const zombie = await start(url);
  const payload = { key: 'a', ms: 600_000, port: witness.port };
  const { id } = await submitOne(pool, { name: 'limits.work', payload });
  await until('it runs', () => witness.now('a') === 1);
  const other = await start(url, OUTLASTING);
  await steady(pool, 2);
  const next = await submitOne(pool, { name: 'limits.work', payload: { ...payload, ms: 1 } });
  zombie.child.kill('SIGSTOP');
  // The first attempt runs again, or the other task before it: the zombie has no slot any more.
  await until('another one runs beside the zombie', () => witness.now('a') === 2);
  zombie.child.kill('SIGCONT');
  await until('the zombie has aborted', () => witness.now('a') <= 1);
  expect(zombie.child.exitCode).toBeNull();
  await pool.query('update errand.tasks set cancel_requested_at = now() where id = $1', [id]);
  await finished(pool, next.id);
  expect(witness.most('a')).toBe(2);
  other.child.kill('SIGTERM');
});

test('a handler that does not return keeps its slot until its process has ended by itself', async () => {
  const { url, pool } = await createDatabase();
  const witness = await watchPresence();
  const victim = await start(url);
  const payload = { key: '', ms: 600_000, port: witness.port };
  const { id } = await submitOne(pool, { name: 'limits.deaf', payload, maxAttempts: 1 });
  await until('it runs', () => witness.now('deaf') === 1);
  const other = await start(url, OUTLASTING);
  const next = await submitOne(pool, { name: 'limits.deaf', payload: { ...payload, ms: 1 } });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed' });
  expect(await outcomes(pool, id)).toEqual([[1, 'timed_out']]);
  expect(await victim.exited).toBe(1);
  expect(victim.output()).toContain('keeps its slots until its process ends');
  expect(await finished(pool, next.id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most('deaf')).toBe(1);
  expect(other.child.exitCode).toBeNull();
});
