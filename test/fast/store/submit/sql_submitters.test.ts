import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool, url } = await createDatabase();
await registerDefinitions(pool, definitions);

const role = `billing_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
await pool.query(`create role ${role} login password 'secret'; grant usage on schema errand to ${role}`);
const login = new URL(url);
login.username = role;
login.password = 'secret';
const client = new Client({ connectionString: login.href });
await client.connect();
afterAll(async () => {
  await client.end();
  await pool.query(`drop owned by ${role}; drop role ${role}`);
});

const submit = (name: string) =>
  client.query(`select state from errand.submit($1, '{"message": "a"}')`, [name]);

test('a role that has no row may submit to every namespace, and its tasks say who it was', async () => {
  await client.query('begin');
  expect((await submit('example.echo')).rows).toEqual([{ state: 'queued' }]);
  await client.query('commit');
  const { rows } = await pool.query('select submitted_by from errand.tasks');
  expect(rows).toEqual([{ submitted_by: `sql:${role}` }]);
});

test('a role that has a row submits to the namespaces in it and is refused the others, in words', async () => {
  await pool.query('insert into errand.submitters values ($1, $2)', [role, ['example']]);
  expect((await submit('example.echo')).rowCount).toBe(1);
  await expect(submit('http.request')).rejects.toMatchObject({
    code: '42501',
    message: `The role ${role} may not submit tasks of the namespace http`,
    hint: 'errand.submitters lets it submit to example.',
  });
});

test('nothing of other namespaces is told: neither whether there is such a task, nor what there is', async () => {
  await expect(submit('http.nothing')).rejects.toMatchObject({ code: '42501' });
  const error = await submit('example.nothing').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: '42704', hint: expect.stringContaining('example.echo') });
  expect((error as { hint: string }).hint).not.toContain('http.request');
});

test('one with no namespaces submits nothing', async () => {
  await pool.query(`update errand.submitters set namespaces = '{}'`);
  await expect(submit('example.echo')).rejects.toMatchObject({
    code: '42501',
    hint: expect.stringContaining('none'),
  });
});

test('such a role can neither read nor change who may submit', async () => {
  for (const statement of [
    'select from errand.submitters',
    `update errand.submitters set namespaces = '{http}'`,
  ])
    await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
});
