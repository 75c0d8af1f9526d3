import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { allFinished, recordHistory } from '../../../support/history.ts';
import { cancelTask } from '../../../support/operator.ts';
import { startRunners } from '../../../support/runners.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const RUNNERS = 4;
const SLOTS = 2;
const sleep = (ms: number) => ({ name: 'example.sleep', payload: { ms } });

/** How many of these tasks each runner executes right now. */
async function runningBy(pool: Pool, ids: string[]): Promise<number[]> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from errand.tasks where id = any ($1) and state = 'running' group by runner_id`,
    [ids],
  );
  return rows.map(({ count }) => count);
}

test('long tasks that came in dispatches with short ones fill the slots of all runners, and none waits behind another', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  await startRunners(url, RUNNERS, { RUNNER_CONCURRENCY: String(SLOTS) });
  // Twelve short ones, a long one, and so on; dispatches are of a hundred, so all of them come in two.
  const payloads = Array.from({ length: RUNNERS * SLOTS }, () => [...Array(12).fill(5), 60_000]).flat();
  const tasks = await submit(pool, ...payloads.map(sleep));
  for (const { id } of tasks) history.ok(id);
  const long = tasks.filter((_, index) => payloads[index] === 60_000).map(({ id }) => id);
  await until(
    'each slot of each runner has a long one',
    async () => (await runningBy(pool, long)).join() === Array(RUNNERS).fill(SLOTS).join(),
    45_000,
  );
  for (const id of long) await cancelTask(pool, id);
  await until('all have finished', () => allFinished(pool));
  await history.check(pool);
  const { rows } = await pool.query(
    `select count(*) from errand.tasks where state = 'succeeded' and attempt = 1`,
  );
  expect(rows).toEqual([{ count: payloads.length - long.length }]);
});
