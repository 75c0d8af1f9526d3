import { request } from 'node:http';
import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });

const csv = (query = '', words = 'ann of *', accept = 'text/csv') =>
  api.call('GET', `/v1/tasks${query}`, undefined, { ...as(words), accept });

await submit(
  pool,
  { name: 'shop.pay', payload: { who: '=HYPERLINK("http://evil")', amount: -5 } },
  { name: 'shop.pay', payload: { who: 'Ann, "the\nfirst"', amount: 7 }, tags: ['a', 'b'] },
  { name: 'text.count', payload: { who: '@x' } },
);

test('all tasks that match come as CSV with a header, newest first', async () => {
  const { status, headers, text } = await csv('?fields=name,payload/who,payload/amount,tags&page_size=1');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
  expect(headers.get('x-row-limit')).toBe('1000000');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('content-disposition')).toBe('attachment; filename="tasks.csv"');
  expect(text).toBe(
    [
      'name,payload/who,payload/amount,tags',
      `text.count,"'@x",,[]`,
      'shop.pay,"Ann, ""the\nfirst""",7,"[""a"",""b""]"',
      `shop.pay,"'=HYPERLINK(""http://evil"")",-5,[]`,
      '',
    ].join('\r\n'),
  );
});

test('without fields it has the usual ones; filters, rights and errors are those of the list', async () => {
  expect((await csv()).text).toMatch(/^id,name,state,created_at,/);
  expect((await csv('?fields=name&payload=/amount=7')).text).toBe('name\r\nshop.pay\r\n');
  expect((await csv('?fields=name', 'eve of text')).text).toBe('name\r\ntext.count\r\n');
  expect(await csv('?fields=nothing')).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  expectError(await csv('', 'eve of * may submit'), { status: 403, code: 'FORBIDDEN' });
});

test('who prefers JSON, or anything, gets JSON', async () => {
  for (const accept of ['*/*', 'application/json', 'application/json, text/csv;q=0.5', 'text/html']) {
    expect((await csv('', 'ann of *', accept)).body).toMatchObject({ total: 3 });
  }
  expect((await csv('', 'ann of *', 'text/csv, application/json;q=0.9')).text).toMatch(/^id,/);
});

test('thousands of rows come in their order, each once', async () => {
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select 'many.one', '1', 'queued', 0, 1, now(), jsonb_build_object('n', n) from generate_series(1, 1750) n`,
  );
  const { text } = await csv('?name=many.one&fields=payload/n');
  const numbers = text.trim().split('\r\n').slice(1).map(Number);
  expect(numbers).toHaveLength(1_750);
  expect(new Set(numbers).size).toBe(1_750);
  const ids = (await csv('?name=many.one&fields=id')).text.trim().split('\r\n').slice(1);
  expect(ids).toEqual(ids.toSorted().toReversed());
});

test('a reader that goes away ends the reading', async () => {
  const own = await startOwnApi(pool);
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select 'wide.one', '1', 'queued', 0, 1, now(), jsonb_build_object('t', repeat('x', 900)) from generate_series(1, 20000) n`,
  );
  const path = `/v1/tasks?name=wide.one&fields=${encodeURIComponent('id,payload/t')}`;
  const sent = request(`${own.url}${path}`, { headers: { accept: 'text/csv' } });
  sent.on('error', () => {});
  await new Promise<void>((resolve) => {
    sent.on('response', (response) => response.once('data', () => resolve(sent.destroy() && undefined)));
    sent.end();
  });
  await until(
    'the connection is closed',
    () =>
      new Promise<boolean>((resolve) => own.server.getConnections((_error, count) => resolve(count === 0))),
  );
  await until('nothing is read any more', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where state = 'active' and query like '%page_id%' and pid <> pg_backend_pid()`,
    );
    return rows.length === 0;
  });
});

test('if the API stops, a download breaks instead of looking complete', async () => {
  const own = await startOwnApi(pool);
  const path = `/v1/tasks?name=wide.one&fields=${encodeURIComponent('id,payload/t')}`;
  const sent = request(`${own.url}${path}`, { headers: { accept: 'text/csv' } });
  const ended = await new Promise<string>((resolve) => {
    sent.on('error', () => resolve('broken'));
    sent.on('response', (response) => {
      response.once('readable', () => own.stopping.abort());
      response.on('error', () => resolve('broken'));
      response.on('end', () => resolve('complete'));
      response.once('readable', () => response.resume());
    });
    sent.end();
  });
  expect(ended).toBe('broken');
});
