import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask, retryTask } from '../../../support/operator.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();

/** Makes `work` wait for a task, and asks for what the workflow's lock holds: one of the two loses. */
async function inDeadlock<T>(parent: string, child: string, work: () => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    // This session waits longer before it looks for a deadlock, so the other one finds it and loses.
    await client.query(`set deadlock_timeout = '10min'; begin`);
    await client.query('select from errand.tasks where id = $1 for update', [child]);
    const working = work();
    await until('it holds the workflow and waits for the step', async () => {
      const { rows } = await pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query not like '%for update%'`,
      );
      return rows.length > 0;
    });
    await client.query('select from errand.tasks where id = $1 for update', [parent]);
    await client.query('commit');
    return await working;
  } finally {
    await client.query('rollback; reset deadlock_timeout');
    client.release();
  }
}

/** A task, and one below it, as a workflow has them. */
async function family(): Promise<{ parent: string; child: string }> {
  const [parent, child] = await submit(
    pool,
    { name: 'a.x', payload: { one: 1 } },
    { name: 'a.x', payload: { one: 2 } },
  );
  if (parent === undefined || child === undefined) throw new Error('nothing was submitted');
  await pool.query(
    `update errand.tasks set state = 'running', dispatch_id = null, children = 1, pending = 1 where id = $1`,
    [parent.id],
  );
  await pool.query(`update errand.tasks set parent_id = $1, step = '0' where id = $2`, [parent.id, child.id]);
  return { parent: parent.id, child: child.id };
}

test('a cancellation that loses a deadlock is done again', async () => {
  const { parent, child } = await family();
  expect(await inDeadlock(parent, child, () => cancelTask(pool, parent))).toMatchObject({
    state: 'cancelled',
  });
});

test('a retry that loses a deadlock is done again', async () => {
  const { parent, child } = await family();
  await cancelTask(pool, parent);
  expect(await inDeadlock(parent, child, () => retryTask(pool, parent))).toMatchObject({ state: 'running' });
});
