import { expect, test } from 'vitest';
import { loadRegistry } from '../../../tasks/index.ts';
import { expectRefused } from '../../fast/api/ledger.ts';
import { call, startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';

const database = await createDatabase();
const api = await startApi(database.pool, { registry: loadRegistry({ NODE_ENV: 'production' }) });
const BODY = { payload: { message: 'a' } };

test('in production example tasks are unknown at every route, and are not offered', async () => {
  for (const [path, body] of [
    ['/v1/tasks/example.echo', BODY],
    ['/v1/tasks/example.echo/batch', { items: [BODY] }],
    ['/v1/tasks', { name: 'example.echo', ...BODY }],
    ['/v1/tasks/example.crash', { payload: {} }],
  ] as const) {
    const send = () => api.call('POST', path, body);
    const { text } = await expectRefused(api, database.pool, send, { status: 404, code: 'NOT_FOUND' });
    expect(text).not.toMatch(/did you mean/);
  }
});

test('in production neither the document nor its examples know them, and everything else works', async () => {
  const { status, text } = await api.call('GET', '/openapi.yaml');
  expect(status).toBe(200);
  expect(text).not.toMatch(/\bexample\.(echo|sleep|fail|crash)/);
  expect(text).toContain('/v1/tasks/text.count_words:');
  const submitted = await api.call('POST', '/v1/tasks/text.count_words', { payload: { text: 'two words' } });
  expect(submitted.status).toBe(201);
});

test('the API process itself goes by NODE_ENV', async () => {
  const process = await startProcess('api/main.ts', database.url, {
    NODE_ENV: 'production',
    AUTH_ENABLED: 'false',
  });
  expect((await call(process.url, 'POST', '/v1/tasks/example.echo', BODY)).status).toBe(404);
  const submitted = await call(process.url, 'POST', '/v1/tasks/text.count_words', {
    payload: { text: 'a b' },
  });
  expect(submitted.status).toBe(201);
});
