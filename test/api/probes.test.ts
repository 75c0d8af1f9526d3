import { expect, test } from 'vitest';
import { checkDatabase } from '../../process/database.ts';
import { openPool } from '../../store/pool.ts';
import { createDatabase } from '../support/database.ts';
import { startOwnApi } from './app.ts';

const { pool } = await createDatabase();
const PATHS = ['/health', '/ready', '/live', '/health/ready', '/health/live'];

test('a process that is well says so at every probe', async () => {
  const api = await startOwnApi(pool, {
    probeSource: { process: 'api', isDraining: () => false, checks: async () => [await checkDatabase(pool)] },
  });
  const answers = await Promise.all(PATHS.map((path) => api.call('GET', path)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const [health, ready, live, healthReady, healthLive] = answers.map(({ body }) => body);
  expect(health).toMatchObject({
    status: 'ok',
    process: 'api',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    uptime_seconds: expect.any(Number),
    checks: [{ name: 'database', status: 'ok' }],
  });
  expect(ready).toEqual({
    status: 'ready',
    checks: [
      { name: 'database', status: 'ok' },
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
  const api = await startOwnApi(away, {
    probeSource: { process: 'api', isDraining: () => false, checks: async () => [await checkDatabase(away)] },
  });
  const answers = await Promise.all(PATHS.map((path) => api.call('GET', path)));
  expect(answers.map(({ status }) => status)).toEqual([200, 503, 200, 503, 200]);
  expect(answers[0]?.body.status).toBe('degraded');
  expect(answers[1]?.body).toMatchObject({
    status: 'not_ready',
    checks: [{ name: 'database', status: 'failed', message: expect.stringMatching(/ECONNREFUSED/) }, {}],
  });
  await away.end();
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
