import { expect, test } from 'vitest';
import type { Detail } from '../../../../core/errors.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { countDispatches, finished } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
await registerDefinitions(pool, definitions);

type Row = { id: string; state: string; created: boolean };

async function submit(statement: string, values: unknown[] = []): Promise<Row | undefined> {
  const { rows } = await pool.query<Row>(`select * from errand.submit(${statement})`, values);
  return rows[0];
}

test('an application enqueues inside its own transaction: with it or not at all', async () => {
  await pool.query('create table invoices (id integer primary key)');
  const client = await pool.connect();
  const enqueue = `select * from errand.submit('example.echo', '{"message": "invoice"}')`;
  await client.query('begin');
  await client.query('insert into invoices values (1)');
  await client.query(enqueue);
  await client.query('rollback');
  expect((await pool.query('select 1 from errand.tasks')).rowCount).toBe(0);
  expect(await countDispatches(pool)).toBe(0);
  await client.query('begin');
  await client.query('insert into invoices values (1)');
  const { rows } = await client.query<Row>(enqueue);
  await client.query('commit');
  client.release();
  expect(rows).toMatchObject([{ state: 'queued', created: true }]);
  await startTestRunner(pool);
  expect(await finished(pool, String(rows[0]?.id))).toMatchObject({
    state: 'succeeded',
    result: { messages: ['invoice'] },
    max_attempts: 25,
    version: '1.0.0',
  });
});

test('the same submission by SQL and by HTTP is one task, by payload and by key', async () => {
  const bySql = await submit(`'example.echo', '{ "count": 2, "message": "both" }'`);
  const byHttp = await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'both', count: 2 } });
  expect(byHttp).toMatchObject({ status: 200, body: { created: false, task: { id: bySql?.id } } });
  const keyed = await api.call('POST', '/v1/tasks/example.echo', {
    payload: { message: 'a' },
    dedup_key: 'k',
  });
  expect(await submit(`'example.echo', '{"message": "b"}', dedup_key => 'k'`)).toMatchObject({
    id: keyed.body.task.id,
    created: false,
  });
  const apart = await submit(`'example.echo', '{"message": "both", "count": 2}', dedup => 'none'`);
  expect(apart?.id).not.toBe(bySql?.id);
});

test('every option has its effect', async () => {
  const row = await submit(
    `'example.sleep', '{"ms": 1}', dedup_key => 'o', dedup_window => '1 hour', priority => 7, max_attempts => 3,
     run_at => now() + interval '1 hour', tags => '{a,b}', initiator => 'me', source_system => 'crm', reason => 'why'`,
  );
  expect(row).toMatchObject({ state: 'scheduled', created: true });
  const { rows } = await pool.query(
    `select priority, max_attempts, tags, initiator, source_system, reason, dedup, dedup_key,
            dedup_until - now() between '59 minutes' and '1 hour' as window_set, run_at > now() as later
       from errand.tasks where id = $1`,
    [row?.id],
  );
  expect(rows).toEqual([
    {
      priority: 7,
      max_attempts: 3,
      tags: ['a', 'b'],
      initiator: 'me',
      source_system: 'crm',
      reason: 'why',
      dedup: 'key',
      dedup_key: 'o',
      window_set: true,
      later: true,
    },
  ]);
});

test.each([
  [`'example.ecko', '{}'`, "There is no task 'example.ecko'", '42704'],
  [`null, '{}'`, 'There is no task without a name', '42704'],
  [`'example.echo', null`, 'payload: must be a JSON object', '22023'],
  [`'example.echo', '[1]'`, 'payload: must be a JSON object', '22023'],
  [`'example.echo', '{}', dedup => 'key'`, 'dedup_key: is needed', '22023'],
  [`'example.echo', '{}', dedup => 'sometimes'`, 'dedup: must be payload, key or none', '22023'],
  [`'example.echo', '{}', dedup_key => ''`, 'dedup_key: must have 1 to 512 characters', '22023'],
  [`'example.echo', '{}', dedup_window => '-1 second'`, 'dedup_window: must be from 1 second', '22023'],
  [`'example.echo', '{}', priority => 1001`, 'priority: must be from', '22023'],
  [`'example.echo', '{}', max_attempts => 0`, 'max_attempts: must be from', '22023'],
  [`'example.echo', '{}', tags => array['a', null]`, 'tags: must be', '22023'],
])('errand.submit(%s) is refused', async (statement, message, code) => {
  const before = await pool.query('select count(*) from errand.tasks');
  await expect(submit(statement)).rejects.toMatchObject({ message: expect.stringContaining(message), code });
  expect((await pool.query('select count(*) from errand.tasks')).rows).toEqual(before.rows);
});

test('a payload that does not fit fails for good when it runs, with the details that HTTP gives', async () => {
  await startTestRunner(pool);
  const payload = { message: 5, count: 0, more: true };
  const row = await submit(`'example.echo', $1`, [JSON.stringify(payload)]);
  const task = await finished(pool, String(row?.id));
  expect(task).toMatchObject({ state: 'failed', attempt: 1, error: { error_code: 'VALIDATION_FAILED' } });
  const refused = await api.call('POST', '/v1/tasks', { name: 'example.echo', payload });
  const told = (refused.body.details as Detail[]).map(({ path, message }) => ({
    path: path.slice(5),
    message,
  }));
  expect(told).toHaveLength(3);
  expect(task.error?.metadata?.details).toEqual(told);
});

test('a role of an application needs no right but to use the schema', async () => {
  await pool.query(`
    create role application_of_test;
    grant usage on schema errand to application_of_test`);
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('set local role application_of_test');
    const { rows } = await client.query(
      `select state from errand.submit('example.echo', '{"message": "from an application"}')`,
    );
    expect(rows).toEqual([{ state: 'queued' }]);
    await expect(client.query('select 1 from errand.tasks')).rejects.toThrow('permission denied');
  } finally {
    await client.query('rollback');
    client.release();
    await pool.query('revoke usage on schema errand from application_of_test; drop role application_of_test');
  }
});
