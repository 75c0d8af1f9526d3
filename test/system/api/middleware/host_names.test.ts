import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { counts, expectError } from '../../../fast/api/ledger.ts';
import { as, authenticateByWords } from '../../../fast/api/principals.ts';
import { raw } from '../../../fast/api/raw.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { openSocket } from '../../../support/network/web_socket.ts';
import { startProcess } from '../../../support/processes.ts';

const database = await createDatabase();
const { pool } = database;
const BODY = JSON.stringify({ payload: { message: 'a' } });
const ECHO = '/v1/tasks/example.echo';
const REFUSED = { status: 403, code: 'FORBIDDEN' };
const FOREIGN = [
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil.example@localhost',
  '0.0.0.0',
  '10.0.0.5:80',
  '[fe80::1]',
];
/** The address of this machine that others reach it by, if it has one. */
const OUTSIDE = Object.values(networkInterfaces())
  .flat()
  .find((found) => found?.family === 'IPv4' && !found.internal)?.address;

function submit(url: string, host: string) {
  return raw(url, 'POST', ECHO, { body: BODY, headers: { host, 'content-type': 'application/json' } });
}

test.each(FOREIGN)('without authentication a request to %s is refused, and told why', async (host) => {
  const api = await startApi(pool);
  const before = await counts(pool);
  const answer = await submit(api.url, host);
  expectError(answer, REFUSED);
  expect(answer.body.error).toContain(`${JSON.stringify(host)} is not an allowed host name`);
  for (const path of ['/v1/tasks', '/metrics', '/docs', '/openapi.yaml', '/health/detailed'])
    expect((await raw(api.url, 'GET', path, { headers: { host } })).status).toBe(403);
  expect(await counts(pool)).toEqual(before);
});

test('by a name of loopback everything goes on as ever, and probes by any name', async () => {
  const api = await startApi(pool);
  for (const host of [
    'localhost',
    'LOCALHOST:8080',
    'errand.localhost',
    '127.0.0.1',
    '127.8.9.1:1',
    '[::1]:8080',
  ])
    expect((await submit(api.url, host)).status, host).toBeLessThan(202);
  expect((await raw(api.url, 'GET', '/live', { headers: { host: '10.0.0.5:8080' } })).status).toBe(200);
});

test('a WebSocket by a foreign name is refused', async () => {
  const api = await startApi(pool);
  const headers = { host: 'evil.example', origin: 'http://evil.example' };
  const { closed: refused } = await openSocket(api.url, { headers });
  expect((await refused)[0]).toBe(4403);
});

test('ALLOWED_HOSTS adds names, whatever the port, also where SERVER_HOST is not loopback', async () => {
  for (const SERVER_HOST of ['', '0.0.0.0']) {
    const api = await startApi(pool, {
      config: testConfig({ SERVER_HOST, ALLOWED_HOSTS: 'errand.example.com' }),
    });
    expect((await submit(api.url, 'Errand.example.com:8443')).status).toBeLessThan(202);
    expect((await submit(api.url, '127.0.0.1')).status).toBeLessThan(202);
    expectError(await submit(api.url, 'evil.example'), REFUSED);
  }
});

test('with authentication, which the page of another name does not have, any name goes', async () => {
  const api = await startApi(pool, { authenticate: authenticateByWords });
  const headers = { ...as('ann of *'), host: 'errand.example.com' };
  expect((await raw(api.url, 'GET', '/v1/tasks', { headers })).status).toBe(200);
});

const SCRIPTS = ['api/main.ts', 'runner/main.ts'];

test.each(SCRIPTS)('%s without settings is reached from this machine alone, by its names', async (script) => {
  const { url, output } = await startProcess(script, database.url, { SERVER_HOST: '' });
  expect(output()).toMatch(
    /listening on 127\.0\.0\.1: .*to let other machines reach it, set SERVER_HOST=0\.0\.0\.0/,
  );
  expect((await raw(url, 'GET', '/metrics', { headers: { host: 'localhost' } })).status).toBe(200);
  const { status, text } = await raw(url, 'GET', '/metrics', { headers: { host: 'evil.example' } });
  expect([status, text]).toEqual([403, expect.stringContaining('ALLOWED_HOSTS')]);
  if (OUTSIDE === undefined) return;
  const away = raw(url.replace('127.0.0.1', OUTSIDE), 'GET', '/live');
  await expect(away).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test.each(SCRIPTS)('%s with SERVER_HOST=0.0.0.0 is reached by any name', async (script) => {
  const { url, output } = await startProcess(script, database.url, { SERVER_HOST: '0.0.0.0' });
  expect(output()).toContain('listening on 0.0.0.0: SERVER_HOST is set');
  const from = OUTSIDE === undefined ? url : url.replace('127.0.0.1', OUTSIDE);
  expect((await raw(from, 'GET', '/metrics', { headers: { host: 'errand.example.com' } })).status).toBe(200);
});
