import { expect, test } from 'vitest';
import { parseConfig } from '../../../../config/load.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { startOwnApi } from '../app.ts';

const { pool } = await createDatabase();
const ORIGIN = 'https://app.example.com';

test('a page of an allowed origin may call, with what it needs; another may not', async () => {
  const config = testConfig({ CORS_ORIGINS: `http://localhost:5173, ${ORIGIN}` });
  const api = await startOwnApi(pool, { config });
  const asked = await api.call('OPTIONS', '/v1/tasks/example.echo', undefined, {
    origin: ORIGIN,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,idempotency-key',
  });
  expect(asked.status).toBe(204);
  expect(Object.fromEntries(asked.headers)).toMatchObject({
    'access-control-allow-origin': ORIGIN,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET,POST,PUT,PATCH,DELETE',
    'access-control-allow-headers':
      'X-Request-Id,Content-Type,Authorization,X-API-Key,Idempotency-Key,Last-Event-ID',
    'access-control-max-age': '3600',
  });
  const read = await api.call('GET', '/v1/tasks', undefined, { origin: ORIGIN });
  expect(read.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  expect(read.headers.get('vary')).toContain('Origin');
  const foreign = await api.call('GET', '/v1/tasks', undefined, { origin: 'https://evil.example.com' });
  expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
});

test('an error is readable for the page, too', async () => {
  const api = await startOwnApi(pool, { config: testConfig({ CORS_ORIGINS: ORIGIN }) });
  const refused = await api.call('GET', '/v1/tasks?page=0', undefined, { origin: ORIGIN });
  expect(refused.status).toBe(400);
  expect(refused.headers.get('access-control-allow-origin')).toBe(ORIGIN);
});

test.each([
  '*',
  'app.example.com',
  'https://app.example.com/',
  'https://a.example.com/path',
  'https://a b',
  'ftp://a',
  'https://a,',
  'null',
])('the origin %s fails the start', (origin) => {
  expect(() => parseConfig({ CORS_ORIGINS: origin })).toThrow(/CORS_ORIGINS=.* is not accepted/);
});
