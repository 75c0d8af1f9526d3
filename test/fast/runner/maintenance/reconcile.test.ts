import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { createReconciler } from '../../../../runner/maintenance/rounds.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { createDatabase } from '../../../support/database.ts';
import { countDispatches, submit } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
const log = pino({ enabled: false });
const never = new AbortController().signal;

/** Makes tasks that are due and whose dispatches are lost. */
async function loseDispatches(count: number): Promise<void> {
  const echo = { name: 'example.echo', payload: { message: 'x' } };
  await submit(pool, ...Array.from({ length: count }, () => echo));
  await pool.query(`update errand.tasks set run_at = run_at - interval '1 minute'`);
  await pool.query('delete from errand_worker._private_jobs');
}

beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

test('a round dispatches all that it finds, however many have lost their dispatch', async () => {
  await loseDispatches(2_300);
  await createReconciler(pool, log)(never);
  expect(await countDispatches(pool)).toBe(2_300);
});

test('the rounds go through all that is open, and then begin again', async () => {
  await loseDispatches(25);
  const round = createReconciler(pool, log, 10);
  for (const dispatches of [10, 20, 25]) {
    await round(never);
    expect(await countDispatches(pool)).toBe(dispatches);
  }
  await pool.query('delete from errand_worker._private_jobs');
  await round(never);
  expect(await countDispatches(pool)).toBe(10);
});

test('a stop ends a round, which is not done with its slice then', async () => {
  await loseDispatches(2_300);
  const stopped = new AbortController();
  stopped.abort();
  const round = createReconciler(pool, log, 1_500);
  await round(stopped.signal);
  expect(await countDispatches(pool)).toBe(1_000);
  await round(never);
  expect(await countDispatches(pool)).toBe(1_500);
});
