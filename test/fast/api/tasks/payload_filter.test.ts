import { expect, test } from 'vitest';
import { SEARCH_LIMIT } from '../../../../store/tasks/search.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { submit } from '../../../support/tasks.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });
const ANN = as('ann of *');

await submit(
  pool,
  { name: 'shop.pay', payload: { invoice: { id: 42 }, note: 'a=b' }, tags: ['one'] },
  { name: 'shop.pay', payload: { invoice: { id: '42' }, paid: true }, tags: ['two'] },
  { name: 'shop.ship', payload: { invoice: { id: 43 }, 'a/b': { '~': [{ sku: 'x' }] } }, tags: ['three'] },
  { name: 'text.count', payload: { invoice: { id: 42 }, none: null }, tags: ['four'] },
  {
    name: 'http.request',
    payload: { url: 'https://a.example', headers: { Authorization: 'sesame', Accept: 'json' } },
    tags: ['five'],
  },
);

async function found(conditions: string[], more = '', who = ANN) {
  const query = conditions.map((one) => `payload=${encodeURIComponent(one)}`).join('&');
  const { status, body } = await api.call('GET', `/v1/tasks?${query}${more}`, undefined, who);
  expect(status).toBe(200);
  expect(body.total).toBe(body.tasks.length);
  return body.tasks.map(({ tags }: { tags: string[] }) => tags[0]).toReversed();
}

test('tasks are found by a value in their payloads, as a number or a text', async () => {
  expect(await found(['/invoice/id=42'])).toEqual(['one', 'two', 'four']);
  expect(await found(['/invoice/id="42"'])).toEqual(['two']);
  expect(await found(['/invoice/id=42.0'])).toEqual(['one', 'four']);
  expect(await found(['/note=a=b'])).toEqual(['one']);
  expect(await found(['/paid=true'])).toEqual(['two']);
  expect(await found(['/none=null'])).toEqual(['four']);
  expect(await found(['/a~1b/~0/0/sku=x'])).toEqual(['three']);
  expect(await found(['/invoice=42'])).toEqual([]);
  expect(await found(['/nothing/here=null'])).toEqual([]);
});

test('several conditions, and all other filters, must hold together', async () => {
  expect(await found(['/invoice/id=42', '/paid=true'])).toEqual(['two']);
  expect(await found(['/invoice/id=42'], '&name=shop.pay')).toEqual(['one', 'two']);
  expect(await found(['/invoice/id=42'], '&namespace=text&state=queued')).toEqual(['four']);
  expect(await found(['/invoice/id=42'], '&state=failed')).toEqual([]);
  expect(await found(['/invoice/id=42'], '', as('eve of text'))).toEqual(['four']);
});

test('a secret in a payload is not found, and neither is its beginning', async () => {
  expect(await found(['/headers/Authorization=sesame'])).toEqual([]);
  expect(await found(['/headers/Accept=json'])).toEqual(['five']);
  expect(await found(['/headers/Authorization=***'])).toEqual(['five']);
});

test.each([['invoice=42'], ['/invoice'], ['/a~2=1'], ['/id="a'], ['/id="%00"'.replace('%00', '\\u0000')]])(
  'payload=%s is refused with its place',
  async (text) => {
    const answer = await api.call('GET', `/v1/tasks?payload=${text}`, undefined, ANN);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_FAILED', details: [{ path: '/query/payload/0' }] },
    });
  },
);

test('more than three conditions are refused', async () => {
  const query = '?payload=/a=1&payload=/a=2&payload=/a=3&payload=/a=4';
  expect(await api.call('GET', `/v1/tasks${query}`, undefined, ANN)).toMatchObject({
    status: 400,
    body: { details: [{ path: '/query/payload' }] },
  });
});

test('a filter of a bulk operation can have them too', async () => {
  const cancel = (payload: string[], more = {}) =>
    api.call('POST', '/v1/tasks/cancel', { filter: { payload, ...more }, dry_run: true }, ANN);
  expect((await cancel(['/invoice/id=42'])).body).toMatchObject({ matched: 3, matched_is_estimate: false });
  expect((await cancel(['/invoice/id=42'], { name: 'shop.pay' })).body).toMatchObject({ matched: 2 });
  expect(await cancel(['/a="b'])).toMatchObject({
    status: 400,
    body: { details: [{ path: '/body/filter/payload/0' }] },
  });
  const { body } = await api.call('POST', '/v1/tasks/cancel', { filter: { payload: ['/paid=true'] } }, ANN);
  expect(body).toMatchObject({ matched: 1, changed: 1 });
  const { rows } = await pool.query(`select tags[1] as tag from errand.tasks where state = 'cancelled'`);
  expect(rows).toEqual([{ tag: 'two' }]);
});

test('a page looks at a bounded number of tasks, says so, and the next page goes on', async () => {
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, finished_at, payload)
     select 'many.one', '1', 'succeeded', 0, 1, now(), now(), jsonb_build_object('n', n)
       from generate_series(1, $1::integer + 500) n`,
    [SEARCH_LIMIT],
  );
  const page = async (cursor?: string) => {
    const more = cursor === undefined ? '' : `&cursor=${cursor}`;
    const query = `?name=many.one&state=succeeded&payload=${encodeURIComponent('/n=7')}${more}`;
    return (await api.call('GET', `/v1/tasks${query}`, undefined, ANN)).body;
  };
  const first = await page();
  expect(first).toMatchObject({
    tasks: [],
    total: 0,
    total_is_estimate: true,
    search: { looked_at: SEARCH_LIMIT, is_bounded: true, matched: 0, unread: 0 },
  });
  const second = await page(first.next_cursor);
  expect(second).toMatchObject({
    tasks: [{ name: 'many.one' }],
    next_cursor: null,
    search: { looked_at: 500, is_bounded: false, matched: 1 },
  });
});

test('a payload that is too large to be read is counted, and not found', async () => {
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select 'large.one', '1', 'queued', 0, 1, now(),
            jsonb_build_object('n', 1, 'text', (select string_agg(md5(i::text), '') from generate_series(1, 4000) i))`,
  );
  const { body } = await api.call('GET', '/v1/tasks?name=large.one&payload=/n=1', undefined, ANN);
  expect(body).toMatchObject({ total: 0, total_is_estimate: true, search: { looked_at: 1, unread: 1 } });
});
