import { randomBytes } from 'node:crypto';
import { chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, type Pool } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openPool } from '../../../../store/database/pool.ts';
import { type Answer, call } from '../../../support/api.ts';
import { allFinished, type History, recordHistory } from '../../../support/history.ts';
import { startOwnPostgres } from '../../../support/postgres.ts';
import { startProcess, type TestProcess } from '../../../support/processes.ts';
import { startFixtureRunner } from '../../../support/runners.ts';
import { mountSmallDisk } from '../../../support/small_disk.ts';
import { outcomes, submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const NOT_PERMITTED = 'mounting a small filesystem is not permitted here (it needs root)';

/** Submits something that needs room and gives the answer, which is 201, or 503 with a time to try again. */
async function post(api: TestProcess, history: History): Promise<Answer> {
  const message = randomBytes(4_900).toString('hex');
  const answer = await call(api.url, 'POST', '/v1/tasks/example.echo', { payload: { message } });
  expect([201, 503]).toContain(answer.status);
  if (answer.status === 201) {
    history.ok(answer.body.task.id);
  } else {
    expect(answer.body).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    // With the connection lost during the commit, nobody knows.
    history.unknown();
  }
  return answer;
}

/** Checks that what was acknowledged is there and that all of it runs, once there is room again. */
async function goesOn(api: TestProcess, pool: Pool, history: History): Promise<void> {
  await until('submissions are accepted again', async () => (await post(api, history)).status === 201);
  await startProcess('runner/main.ts', String(pool.options.connectionString));
  await until('all have finished', () => allFinished(pool));
  const { rows } = await pool.query('select distinct state, attempt from errand.tasks');
  expect(rows).toEqual([{ state: 'succeeded', attempt: 1 }]);
  await history.check(pool);
}

/** A database on a disk of its own. */
async function createDatabaseOn(
  disk: string,
  server: string,
  pool: Pool,
): Promise<{ url: string; pool: Pool }> {
  const { rows } = await pool.query<{ data: string }>(`select current_setting('data_directory') as data`);
  const { uid, gid } = await stat(String(rows[0]?.data));
  const space = join(disk, 'space');
  await mkdir(space);
  await chown(space, uid, gid);
  await pool.query(`create tablespace small location '${space}'`);
  await pool.query('create database small tablespace small');
  const url = new URL(server);
  url.pathname = '/small';
  const small = openPool({
    connectionString: url.href,
    applicationName: 'test',
    size: 4,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  onTestFinished(() => small.end());
  return { url: url.href, pool: small };
}

test('F27: the disk of the data is full: 503, finished work is kept, and all goes on when there is room again', async ({
  skip,
}) => {
  const disk = await mountSmallDisk(24);
  if (disk === null) return skip(NOT_PERMITTED);
  const server = await startOwnPostgres();
  const { url, pool } = await createDatabaseOn(disk.directory, server.url, server.pool);
  const history = recordHistory();
  const api = await startProcess('api/main.ts', url);
  const runner = await startFixtureRunner(url);
  const tasks = await submit(
    pool,
    ...Array.from({ length: 8 }, () => ({ name: 'fixture.work', payload: { ms: 4_000 } })),
  );
  for (const { id } of tasks) history.ok(id);
  await post(api, history);
  await until('all run', () => runner.executions.size === 8);
  await disk.fill();
  await until('there is no room for more', async () => (await post(api, history)).status === 503);
  expect((await call(api.url, 'GET', `/v1/tasks/${tasks[0]?.id}`)).status).toBe(200);
  const { status, text } = await call(api.url, 'GET', '/ready');
  expect([status, text]).toEqual([
    503,
    expect.stringMatching(/"writing".*No space left on device|gets no requests for a while/),
  ]);
  await until('the runner could not record', () => runner.output().includes('No space left on device'));
  await disk.free();
  await until('it is ready again', async () => (await call(api.url, 'GET', '/ready')).status === 200);
  await goesOn(api, pool, history);
  for (const { id } of tasks) {
    expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
    expect(runner.executions.get(id)).toBe(1);
  }
});

test('F27: the disk of the log is full, which ends Postgres: 503, and nothing acknowledged is lost', async ({
  skip,
}) => {
  const disk = await mountSmallDisk(180);
  if (disk === null) return skip(NOT_PERMITTED);
  const server = await startOwnPostgres({ within: disk.directory });
  const history = recordHistory();
  const api = await startProcess('api/main.ts', server.url);
  for (let task = 0; task < 20; task++) await post(api, history);
  await disk.fill();
  const client = new Client({ connectionString: server.url });
  client.on('error', () => {});
  await client.connect();
  // Each time a new segment is needed.
  await until('Postgres could not write its log', () =>
    client.query('select pg_switch_wal(), txid_current()').then(
      () => false,
      () => true,
    ),
  );
  await until('submissions are refused', async () => (await post(api, history)).status === 503);
  expect(await server.exited()).toContain('exit code');
  await disk.free();
  await server.start();
  await goesOn(api, server.pool, history);
});
