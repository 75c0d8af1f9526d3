import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { submit } from '../../../support/tasks.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });
const ANN = as('ann of *');

const [one, two] = await submit(
  pool,
  { name: 'shop.pay', payload: { invoice: { id: 42, 'a,b': 1 }, list: [5, 6] }, tags: ['a'] },
  { name: 'http.request', payload: { url: 'https://a.example', headers: { Authorization: 'sesame' } } },
);

const list = (fields: string, more = '', who = ANN) =>
  api.call('GET', `/v1/tasks?fields=${encodeURIComponent(fields)}${more}`, undefined, who);

test('a list gives the chosen fields of each task, in the order of the list', async () => {
  const { status, body } = await list(
    'id,state,payload/invoice/id,payload/list/1,tags,created_at,error/message',
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({ tasks: [], total: 2, next_cursor: null, search: null });
  expect(body.rows).toEqual([
    {
      id: two?.id,
      state: 'queued',
      'payload/invoice/id': null,
      'payload/list/1': null,
      tags: [],
      created_at: two?.created_at,
      'error/message': null,
    },
    {
      id: one?.id,
      state: 'queued',
      'payload/invoice/id': 42,
      'payload/list/1': 6,
      tags: ['a'],
      created_at: one?.created_at,
      'error/message': null,
    },
  ]);
});

test('they come with filters, pages and a search by payload, and only of what the caller may see', async () => {
  expect((await list('name', '&payload=/invoice/id=42')).body.rows).toEqual([{ name: 'shop.pay' }]);
  const { body } = await list('name', '&page_size=1');
  expect(body.rows).toEqual([{ name: 'http.request' }]);
  expect((await list('name', `&page_size=1&cursor=${body.next_cursor}`)).body.rows).toEqual([
    { name: 'shop.pay' },
  ]);
  expect((await list('name', '', as('eve of text'))).body.rows).toEqual([]);
  expectError(await list('name', '', as('eve of * may submit')), { status: 403, code: 'FORBIDDEN' });
});

test('a comma in a key is written as ~2', async () => {
  const { body } = await list('payload/invoice/a~2b', '&name=shop.pay');
  expect(body.rows).toEqual([{ 'payload/invoice/a,b': 1 }]);
});

test('secrets are replaced in fields as in records', async () => {
  const { body, text } = await list(
    'payload,payload/headers,payload/headers/Authorization',
    '&name=http.request',
  );
  expect(text).not.toContain('sesame');
  expect(body.rows).toMatchObject([{ 'payload/headers/Authorization': '***' }]);
});

test('of a long value only the start of its text is given', async () => {
  await submit(pool, { name: 'long.one', payload: { text: 'é'.repeat(50_000) } });
  const { body, text } = await list('payload,payload/text', '&name=long.one');
  expect(text.length).toBeLessThan(3_000);
  expect(body.rows[0]['payload/text']).toBe(`${'é'.repeat(1_000)}…`);
});

test.each([
  ['id,nothing', 'unknown'],
  ['id,id', 'once'],
  ['payload_', 'unknown'],
  ['payload/a~3', 'unknown'],
  ['error_group', 'unknown'],
  ['dispatch_id', 'unknown'],
  [`payload/${'a'.repeat(300)}`, 'at most 200'],
  [Array.from({ length: 31 }, (_, index) => `payload/${index}`).join(','), 'at most 30'],
])('the fields %s are refused', async (fields, problem) => {
  const answer = await list(fields);
  const details = [{ path: '/query/fields', message: expect.stringContaining(problem) }];
  expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED', details } });
});
