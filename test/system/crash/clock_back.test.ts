import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createReconciler } from '../../../runner/maintenance/rounds.ts';
import { claimRound } from '../../../store/attempts/rounds.ts';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, submit, submitOne } from '../../support/tasks.ts';

// Postgres's clock goes back, as after a failover to a host whose clock is behind. Then all that was written is ahead of now,
// so these tests move what is written forward, by an hour.

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
const echo = { name: 'example.echo', payload: { message: 'x' } };
const reconcile = createReconciler(pool, pino({ enabled: false }));

/** Moves the clock of Postgres back by an hour, as those see it who compare with what was written. */
async function clockBack(): Promise<void> {
  await pool.query(`
    update errand.runners
       set started_at = started_at + interval '1 hour', heartbeat_at = heartbeat_at + interval '1 hour',
           steady_since = steady_since + interval '1 hour';
    update errand.tasks set run_at = run_at + interval '1 hour', started_at = started_at + interval '1 hour';
    update errand.rounds set claimed_at = claimed_at + interval '1 hour';
    update errand_worker._private_jobs
       set run_at = run_at + interval '1 hour', created_at = created_at + interval '1 hour'`);
}

test('F14: the work of a runner that is gone is taken over within its lease, not after the hour', async () => {
  await startTestRunner(pool, { leaseSecs: 1 });
  const gone = { host: 'gone', pid: 1, version: '1', taskNames: [], concurrency: 1, leaseSecs: 1 };
  const runnerId = await registerRunner(pool, gone);
  const { id } = await submitOne(pool, { ...echo, delayMs: 3_600_000 });
  await pool.query(
    `update errand.tasks set state = 'running', started_at = now(), run_at = now(), runner_id = $2 where id = $1`,
    [id, runnerId],
  );
  await pool.query('delete from errand_worker._private_jobs');
  await clockBack();
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', crashes: 1 });
});

test('what was due is due at once, a retry comes after its delay, and what was submitted for a time at that time', async () => {
  await pool.query('delete from errand.tasks');
  const [due, retried, later] = await submit(
    pool,
    echo,
    { ...echo, priority: 1 },
    { ...echo, delayMs: 7_200_000 },
  );
  await pool.query(
    `update errand.tasks set state = 'retrying', run_at = now() + interval '600 s' where id = $1`,
    [retried?.id],
  );
  await pool.query(
    `update errand_worker._private_jobs set run_at = run_at + interval '600 s', created_at = now()
      where key = (select dispatch_id::text from errand.tasks where id = $1)`,
    [retried?.id],
  );
  await clockBack();
  await reconcile(new AbortController().signal);
  // As often as it likes.
  await reconcile(new AbortController().signal);
  const { rows } = await pool.query<{ id: string; in_secs: number }>(
    `select t.id, extract(epoch from j.run_at - now())::float8 as in_secs
       from errand.tasks t join errand_worker._private_jobs j on j.key = t.dispatch_id::text`,
  );
  const inSecs = Object.fromEntries(rows.map((row) => [row.id, row.in_secs]));
  expect(inSecs[String(due?.id)]).toBeLessThanOrEqual(0);
  expect(inSecs[String(retried?.id)]).toBeGreaterThan(300);
  expect(inSecs[String(retried?.id)]).toBeLessThanOrEqual(600);
  expect(inSecs[String(later?.id)]).toBeGreaterThan(7_200);
  await startTestRunner(pool);
  expect(await finished(pool, String(due?.id))).toMatchObject({ state: 'succeeded' });
});

test('rounds of maintenance go on: a claim that is ahead of now holds nobody', async () => {
  expect(await claimRound(pool, 'of this test', 60)).toBe(true);
  expect(await claimRound(pool, 'of this test', 60)).toBe(false);
  await clockBack();
  expect(await claimRound(pool, 'of this test', 60)).toBe(true);
  expect(await claimRound(pool, 'of this test', 60)).toBe(false);
});
