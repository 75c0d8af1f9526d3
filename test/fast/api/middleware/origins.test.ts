import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { openSocket } from '../../../support/network/web_socket.ts';
import { counts, expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const config = testConfig({ CORS_ORIGINS: 'https://app.example.com' });
const api = await startApi(pool, { config });
const closed = await startApi(pool, { config, authenticate: authenticateByWords });
const BODY = { payload: { message: 'a' } };
const ECHO = '/v1/tasks/example.echo';
const FOREIGN = [
  'https://evil.example',
  'null',
  'http://localhost:1',
  'https://app.example.com.evil.example',
];

test.each(FOREIGN)(
  'without authentication a page of %s changes nothing, with a body or without',
  async (origin) => {
    const before = await counts(pool);
    const refusal = { status: 403, code: 'FORBIDDEN' };
    expectError(await api.call('POST', ECHO, BODY, { origin }), refusal);
    expectError(await api.call('POST', '/v1/tasks/retry', undefined, { origin }), refusal);
    expectError(await api.call('PUT', '/v1/queues/example/pause', undefined, { origin }), refusal);
    expect(await counts(pool)).toEqual(before);
  },
);

test('a page that says no origin but that it is of another site changes nothing either', async () => {
  const answer = await api.call('POST', ECHO, BODY, { 'sec-fetch-site': 'cross-site' });
  expectError(answer, { status: 403, code: 'FORBIDDEN' });
});

test('our own pages, those that are allowed, and who is no browser go on as ever', async () => {
  for (const headers of [{}, { origin: api.url }, { origin: 'https://app.example.com' }]) {
    expect((await api.call('POST', ECHO, BODY, headers as Record<string, string>)).status).toBeLessThan(202);
  }
  expect((await api.call('GET', '/v1/tasks', undefined, { origin: 'https://evil.example' })).status).toBe(
    200,
  );
});

test('a WebSocket of a foreign page is refused', async () => {
  const evil = { headers: { origin: 'https://evil.example' } };
  const { closed: refused } = await openSocket(api.url, evil);
  expect((await refused)[0]).toBe(4403);
  await openSocket(api.url);
  await openSocket(api.url, { headers: { origin: api.url } });
});

test('with authentication, which a foreign page does not have, nothing changes', async () => {
  const headers = { ...as('ann of *'), origin: 'https://evil.example' };
  expect((await closed.call('POST', ECHO, BODY, headers)).status).toBeLessThan(202);
});
