import { expect, test } from 'vitest';
import { optionsSchema } from '../../../../api/submit/submission_schema.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';

// Callers of other languages send every field of a record, and null for those without a value.

const { pool } = await createDatabase();
const api = await startApi(pool);
const OPTIONS = Object.keys(optionsSchema.shape);
const nulls = Object.fromEntries(OPTIONS.map((option) => [option, null]));
let count = 0;

function fresh() {
  return { payload: { message: `number ${++count}` } };
}

/** A record without what differs between two tasks. */
function defaults({
  id,
  created_at,
  queued_at,
  run_at,
  updated_at,
  payload,
  request_id,
  ...rest
}: Record<string, unknown>) {
  return rest;
}

test('options that are null count as absent, alone and in a batch, by path and by name', async () => {
  const plain = await api.call('POST', '/v1/tasks/example.echo', fresh());
  const byPath = await api.call('POST', '/v1/tasks/example.echo', { ...fresh(), ...nulls });
  const named = { name: 'example.echo', namespace: null, context: null, ...fresh(), ...nulls };
  const byName = await api.call('POST', '/v1/tasks', named);
  for (const { status, body } of [byPath, byName]) {
    expect(status).toBe(201);
    expect(defaults(body.task)).toEqual(defaults(plain.body.task));
  }
  const items = [fresh(), { ...fresh(), ...nulls }];
  const batch = await api.call('POST', '/v1/tasks/example.echo/batch', { items });
  expect(batch.body.items).toMatchObject([{ created: true }, { created: true }]);
});

/** The paths of the problems of an answer. */
async function refused(answer: ReturnType<typeof api.call>): Promise<string[]> {
  const { status, body } = await answer;
  expect([status, body.code]).toEqual([400, 'VALIDATION_FAILED']);
  return body.details.map(({ path }: { path: string }) => path);
}

test.each(OPTIONS)('%s alone may be null', async (option) => {
  const { status } = await api.call('POST', '/v1/tasks/example.echo', { ...fresh(), [option]: null });
  expect(status).toBe(201);
});

test('null where a value is required is 400 with its path, and changes nothing', async () => {
  const before = await pool.query('select count(*) from errand.tasks');
  expect(await refused(api.call('POST', '/v1/tasks/example.echo', { payload: null }))).toEqual([
    '/body/payload',
  ]);
  expect(await refused(api.call('POST', '/v1/tasks/example.echo', { payload: { message: null } }))).toEqual([
    '/body/payload/message',
  ]);
  expect(await refused(api.call('POST', '/v1/tasks', { name: null, payload: {} }))).toEqual(['/body/name']);
  expect(await refused(api.call('POST', '/v1/tasks/example.echo', { ...fresh(), tags: [null] }))).toEqual([
    '/body/tags/0',
  ]);
  expect((await pool.query('select count(*) from errand.tasks')).rows).toEqual(before.rows);
});
