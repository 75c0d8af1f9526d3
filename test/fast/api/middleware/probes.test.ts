import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { databaseCheck } from '../../../../process/database.ts';
import type { ProbeSource } from '../../../../process/probes.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { createDatabase } from '../../../support/database.ts';
import { openProxy } from '../../../support/network/tcp_proxy.ts';
import { startOwnApi, watched } from '../app.ts';

const { pool } = await createDatabase();
/** What the two checks of Postgres ask it. */
const PROBES = /^select 1$|server_version_num/;
const PATHS = ['/health', '/ready', '/live', '/health/ready', '/health/live'];

function sourceOf(checked: Pool): ProbeSource {
  const check = databaseCheck(checked);
  return { process: 'api', isDraining: () => false, checks: async () => [await check()] };
}

test('a process that is well says so at every probe', async () => {
  const api = await startOwnApi(pool, { probeSource: sourceOf(pool) });
  const answers = await Promise.all(PATHS.map((path) => api.call('GET', path)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const [health, ready, live, healthReady, healthLive] = answers.map(({ body }) => body);
  expect(health).toMatchObject({
    status: 'ok',
    process: 'api',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    uptime_seconds: expect.any(Number),
    checks: [
      { name: 'database', status: 'ok' },
      { name: 'writing', status: 'ok' },
    ],
  });
  expect(ready).toEqual({
    status: 'ready',
    checks: [
      { name: 'database', status: 'ok' },
      { name: 'writing', status: 'ok' },
      { name: 'lifecycle', status: 'ok' },
    ],
  });
  expect(live).toEqual({ status: 'live' });
  expect(healthReady).toEqual(ready);
  expect(healthLive).toEqual(live);
});

test('without Postgres it lives, is not ready and says why', async () => {
  const away = openPool({
    connectionString: 'postgres://nobody@127.0.0.1:1/nowhere',
    applicationName: 'test',
    size: 1,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  const api = await startOwnApi(away, { probeSource: sourceOf(away) });
  const answers = await Promise.all(PATHS.map((path) => api.call('GET', path)));
  expect(answers.map(({ status }) => status)).toEqual([200, 503, 200, 503, 200]);
  expect(answers[0]?.body.status).toBe('degraded');
  expect(answers[1]?.body).toMatchObject({
    status: 'not_ready',
    checks: [{ name: 'database', status: 'failed', message: expect.stringMatching(/ECONNREFUSED/) }, {}, {}],
  });
  await away.end();
});

test('on a server that may only be read it is not ready, and says so', async () => {
  const { url, pool: own } = await createDatabase();
  await own.query(
    `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
  );
  const readOnly = openPool({
    connectionString: url,
    applicationName: 'test',
    size: 1,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  const api = await startOwnApi(readOnly);
  const { status, body } = await api.call('GET', '/ready');
  expect(status).toBe(503);
  expect(body.checks).toContainEqual({
    name: 'writing',
    status: 'failed',
    message: expect.stringContaining('this role may only read on this server'),
  });
  await readOnly.end();
});

test('on its way out it lives, is not ready, and tells that it drains', async () => {
  const api = await startOwnApi(pool);
  api.stopping.abort();
  const answers = await Promise.all(PATHS.map((path) => api.call('GET', path)));
  expect(answers.map(({ status }) => status)).toEqual([200, 503, 200, 503, 200]);
  expect(answers[0]?.body.status).toBe('draining');
  expect(answers[1]?.body.checks).toContainEqual({
    name: 'lifecycle',
    status: 'failed',
    message: 'the process is shutting down',
  });
});

test('200 probes at once while the database hangs ask once for each check, and all are answered', async () => {
  const { url } = await createDatabase();
  const proxy = await openProxy(url);
  const hanging = openPool({
    connectionString: proxy.url,
    applicationName: 'probed',
    size: 10,
    statementTimeoutMs: 20_000,
    onError: () => {},
  });
  const asked: string[] = [];
  const counted = watched(hanging, ({ text }) => asked.push(text));
  const api = await startOwnApi(counted, { probeSource: sourceOf(counted) });
  expect((await api.call('GET', '/ready')).status).toBe(200);
  const once = asked.splice(0).filter((text) => PROBES.test(text));
  proxy.onSend = (connection) => connection.blackHole();
  const answers = await Promise.all(Array.from({ length: 200 }, () => api.call('GET', '/ready')));
  const failed = { status: 'failed', message: expect.stringMatching(/no answer within/) };
  for (const { status, body } of answers) {
    expect(status).toBe(503);
    expect(body.checks).toMatchObject([{ name: 'database', ...failed }, { name: 'writing', ...failed }, {}]);
  }
  expect(once).toHaveLength(2);
  expect(asked.filter((text) => PROBES.test(text)).sort()).toEqual(once.sort());
  await proxy.down();
  await hanging.end();
});
