import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../../embedded/ports.ts';
import { call } from '../../support/api.ts';
import { startOwnPostgres } from '../../support/postgres.ts';
import { launch } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

test('API, runner and migration wait for a hot standby to become the primary, and say so', async () => {
  const server = await startOwnPostgres();
  const { rows } = await server.pool.query<{ folder: string }>(
    `select current_setting('data_directory') as folder`,
  );
  const signal = join(String(rows[0]?.folder), 'standby.signal');
  await server.crash();
  await writeFile(signal, '');
  // The server's account is another one, and writes to it.
  await chmod(signal, 0o666);
  await server.start();

  const port = await freePort('127.0.0.1');
  const settings = { DATABASE_URL: server.url, START_TIMEOUT_SECS: '600' };
  const api = launch('api/main.ts', { ...settings, SERVER_PORT: String(port) });
  const runner = launch('runner/main.ts', { ...settings, RUNNER_PORT: '' });
  const migration = launch('process/migrate.ts', settings);
  for (const { output } of [api, runner, migration])
    await until('it says what it waits for', () => output().includes('this server is a hot standby'));
  const base = `http://127.0.0.1:${port}`;
  expect((await call(base, 'GET', '/live')).status).toBe(200);
  expect((await call(base, 'GET', '/ready')).status).toBe(503);

  await server.pool.query('select pg_promote()');
  expect(await migration.exited).toBe(0);
  await until('the API is ready', async () => (await call(base, 'GET', '/ready')).status === 200);
  await until('the runner is ready', () => runner.output().includes('runner is ready'));
});
