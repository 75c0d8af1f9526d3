import { expect, test } from 'vitest';
import { closeGate } from '../../../fast/api/app.ts';
import { counts } from '../../../fast/api/ledger.ts';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';

const database = await createDatabase();
const { pool } = database;
const PATH = '/v1/tasks/example.echo/batch';
const ITEMS = Array.from({ length: 2_000 }, (_, index) => ({ payload: { message: `item ${index}` } }));

const submitting = `
  select 1 from pg_stat_activity
   where datname = current_database() and application_name = 'errand api' and state = 'active'`;

test('F25: an API process that is killed in the middle of a batch leaves all of it or nothing, and a retry completes it', async () => {
  const api = await startProcess('api/main.ts', database.url);
  const open = await closeGate(pool, 'exclusive');
  const lost = call(api.url, 'POST', PATH, { items: ITEMS }, { 'idempotency-key': 'crash' }).catch(String);
  await until('the batch is in Postgres', async () => (await pool.query(submitting)).rowCount === 1);
  api.child.kill('SIGKILL');
  await api.exited;
  expect(await lost).toMatch(/fetch failed/);
  await open();
  await until('its statement is over', async () => (await pool.query(submitting)).rowCount === 0);
  const { tasks } = await counts(pool);
  expect([0, ITEMS.length]).toContain(tasks);

  const other = await startProcess('api/main.ts', database.url);
  const retried = await call(other.url, 'POST', PATH, { items: ITEMS }, { 'idempotency-key': 'crash' });
  expect(retried.body).toMatchObject({ created: ITEMS.length - tasks, duplicates: tasks, invalid: 0 });
  expect((await counts(pool)).tasks).toBe(ITEMS.length);
  const { rows } = await pool.query<{ unrung: number }>(
    `select count(*) as unrung from errand.tasks t
      where not exists (select from errand_worker._private_jobs j where j.key = t.dispatch_id::text)`,
  );
  expect(rows[0]?.unrung).toBe(0);
});
