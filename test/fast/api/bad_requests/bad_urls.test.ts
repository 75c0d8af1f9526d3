import { describe, expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectError, expectRefused } from '../ledger.ts';
import { raw } from '../raw.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const NO_SUCH_ID = '019c0000-0000-7000-8000-000000000000';
const BODY = { payload: { message: 'a' } };

describe('the query of the list', () => {
  test.each([
    ['page=0', 'page', 'must be >= 1, got 0'],
    ['page=-1', 'page', 'must be >= 1, got -1'],
    ['page=1.5', 'page', 'must be integer, got "1.5"'],
    ['page=one', 'page', 'must be integer, got "one"'],
    ['page=10001', 'page', 'must be <= 10000, got 10001'],
    ['page=', 'page', /^Empty value found/],
    ['page=1e400', 'page', /expected number, received Infinity$/],
    ['page=1&page=2', 'page', 'must be integer, got ["1","2"]'],
    ['page_size=0', 'page_size', 'must be >= 1, got 0'],
    ['page_size=101', 'page_size', 'must be <= 100, got 101'],
    ['page_size=ten', 'page_size', 'must be integer, got "ten"'],
    ['page_size=1e400', 'page_size', /expected number, received Infinity$/],
    ['page_size=5&page_size=5', 'page_size', 'must be integer, got ["5","5"]'],
    ['cursor=', 'cursor', /^Empty value found/],
    ['cursor=abc', 'cursor', /is not a cursor of this API: use next_cursor .*, got "abc"$/],
    [`cursor=${NO_SUCH_ID}`, 'cursor', /is not a cursor of this API/],
    ['cursor=AZwAAAAAcACAAAAAAAAAAA%3D%3D', 'cursor', /is not a cursor of this API/],
    ['cursor=a&cursor=b', 'cursor', 'must be string, got ["a","b"]'],
    [`cursor=${'c'.repeat(101)}`, 'cursor', /must NOT have more than 100 characters/],
    ['state=done', 'state/0', /^must be equal to one of the allowed values: scheduled, .*, got "done"$/],
    ['state=queued,failed', 'state/0', /^must be equal to one of the allowed values/],
    ['state=failed&state=done', 'state/1', /^must be equal to one of the allowed values/],
    ['name=', 'name', /^Empty value found/],
    ['name', 'name', /^Empty value found/],
    ['name=a&name=b', 'name', 'must be string, got ["a","b"]'],
    [`name=${'n'.repeat(129)}`, 'name', /must NOT have more than 128 characters/],
    ['tag[a]=b', 'tag', 'must be string, got {"a":"b"}'],
    ['bogus=1', 'bogus', 'Unknown query parameter \'bogus\', got "1"'],
    ['Name=example.echo', 'Name', /^Unknown query parameter 'Name'/],
    ['__proto__=1', '__proto__', /^Unknown query parameter/],
    ['name=a%00b', 'name', /contains the character NUL .*, got "a\\u0000b"$/],
    ['error=%00', 'error', /contains the character NUL/],
  ])('%s is refused', async (query, where, message) => {
    const { status, body } = await raw(api.url, 'GET', `/v1/tasks?${query}`);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
    const expected = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(body.details).toEqual([{ path: `/query/${where}`, message: expected }]);
  });

  test('all that is wrong is told at once', async () => {
    const answer = await api.call('GET', '/v1/tasks?page=0&page_size=500&state=done&created_from=x');
    expectError(answer, {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [
        { path: '/query/page', message: 'must be >= 1, got 0' },
        { path: '/query/page_size', message: 'must be <= 100, got 500' },
        { path: '/query/state/0', message: expect.stringMatching(/got "done"$/) },
        { path: '/query/created_from', message: 'must match format "date-time", got "x"' },
      ],
    });
  });

  test('a page beyond 10,000 tasks is refused and sent to the cursor', async () => {
    for (const [query, shown] of [
      ['page=201', 'with page_size 50 must not reach beyond 10000 tasks: use the cursor, got 201'],
      [
        'page=101&page_size=100',
        'with page_size 100 must not reach beyond 10000 tasks: use the cursor, got 101',
      ],
    ]) {
      expectError(await api.call('GET', `/v1/tasks?${query}`), {
        status: 400,
        code: 'VALIDATION_FAILED',
        details: [{ path: '/query/page', message: shown }],
      });
    }
    expect((await api.call('GET', '/v1/tasks?page=200')).status).toBe(200);
    expect((await api.call('GET', '/v1/tasks?page=10000&page_size=1')).status).toBe(200);
  });
});

test.each([
  'GET /v1/tasks?name=%ZZ',
  'GET /v1/tasks?name=%FF',
  'GET /v1/tasks?name=%',
  'GET /v1/tasks?%ZZ=1',
  'GET /v1/tasks/%ZZ',
  'GET /v1/tasks/%FF',
  'PATCH /v1/tasks/%ZZ/retry',
  'POST /v1/tasks/%ZZ',
  'POST /v1/tasks/%E0%A4%A/batch',
  'GET /%ZZ',
])('%s is no valid percent-encoding', async (request) => {
  const [method = '', path = ''] = request.split(' ');
  const send = () => raw(api.url, method, path, method === 'POST' ? { body: '{}' } : {});
  await expectRefused(api, pool, send, { status: 400, code: 'BAD_REQUEST' });
});

test.each([
  'nope',
  `${NO_SUCH_ID}0`,
  `{${NO_SUCH_ID}}`,
  `urn:uuid:${NO_SUCH_ID}`,
  NO_SUCH_ID.replaceAll('-', ''),
  "'%20or%201=1--",
])('%s is no id, to read and to retry', async (id) => {
  const message = `must match format "uuid", got ${JSON.stringify(decodeURIComponent(id))}`;
  const refusal = { status: 400, code: 'VALIDATION_FAILED', details: [{ path: '/path/id', message }] };
  await expectRefused(api, pool, () => raw(api.url, 'GET', `/v1/tasks/${id}`), refusal);
  await expectRefused(api, pool, () => raw(api.url, 'PATCH', `/v1/tasks/${id}/retry`), refusal);
});

test('an id in capitals is the same id', async () => {
  const { body } = await api.call('POST', '/v1/tasks/example.echo', BODY);
  const read = await api.call('GET', `/v1/tasks/${body.task.id.toUpperCase()}`);
  expect(read.body.id).toBe(body.task.id);
});

test.each([
  ['example.ecko', 'example.echo'],
  ['exampleecho', 'example.echo'],
  ['Example.Echo', 'example.echo'],
  ['other.echo', 'example.echo'],
  ['text.countwords', 'text.count_words'],
])('the unknown task %s is 404 that offers %s', async (name, close) => {
  for (const path of [`/v1/tasks/${name}`, `/v1/tasks/${name}/batch`]) {
    const send = () => api.call('POST', path, BODY);
    const answer = await expectRefused(api, pool, send, { status: 404, code: 'NOT_FOUND', details: 'some' });
    expect(answer.body.error).toContain(`There is no task ${JSON.stringify(name)}: did you mean ${close}`);
    expect(answer.body.details[0]).toEqual({ path: '/path/name', message: close });
  }
});

test.each(['zzzzzzzzzzzz.yyyyyyyyyyyy', '__proto__', 'constructor', 'n'.repeat(8_000)])(
  'the unknown task %.20s is 404 that offers nothing',
  async (name) => {
    const send = () => raw(api.url, 'POST', `/v1/tasks/${name}`, { body: '{}' });
    const answer = await expectRefused(api, pool, send, { status: 404, code: 'NOT_FOUND' });
    expect(answer.body.error).toMatch(/see GET \/v1\/handlers for all tasks$/);
    expect(answer.text.length).toBeLessThan(1_000);
  },
);

test('a name that is too long in the body is refused', async () => {
  const send = () => api.call('POST', '/v1/tasks', { name: 'n'.repeat(100_000), payload: {} });
  await expectRefused(api, pool, send, {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [
      { path: '/body/name', message: expect.stringMatching(/^must NOT have more than 128 characters/) },
    ],
  });
});

test.each(['-1', '31', 'x', '', 'NaN', '1e400', 'Infinity', '5&wait=6'])(
  'wait=%s is refused',
  async (wait) => {
    const details = [{ path: '/query/wait', message: expect.any(String) }];
    const refusal = { status: 400, code: 'VALIDATION_FAILED', details };
    await expectRefused(api, pool, () => api.call('GET', `/v1/tasks/${NO_SUCH_ID}?wait=${wait}`), refusal);
    const send = () =>
      api.call('POST', `/v1/tasks/example.echo?wait=${wait}`, { payload: { message: wait } });
    await expectRefused(api, pool, send, refusal);
  },
);

test('a NUL in the name of a task is refused', async () => {
  const send = () => raw(api.url, 'POST', '/v1/tasks/%00', { body: '{}' });
  await expectRefused(api, pool, send, { status: 400, code: 'BAD_REQUEST' });
});

test.each(['/v1/handlers/%00', '/v1/handlers/shop/a%00b', '/v1/queues/%00/status', '/v1/tasks/%00'])(
  'a path with a NUL, %s, never reaches Postgres',
  async (path) => {
    const answer = await api.call('GET', path);
    expectError(answer, { status: 400, code: 'BAD_REQUEST' });
    expect(answer.body.error).toContain('NUL');
  },
);
