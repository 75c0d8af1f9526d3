import { pino } from 'pino';
import { expect, test } from 'vitest';
import { limitDepth } from '../../../../api/capacity/backpressure.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { closeGate, startOwnApi } from '../app.ts';
import { counts, expectError } from '../ledger.ts';

const database = await createDatabase();
const { pool } = database;
const unavailable = { status: 503, code: 'SERVICE_UNAVAILABLE' };

function poolOf(name: string, size: number, statementTimeoutMs = 20_000) {
  return openPool({
    connectionString: database.url,
    applicationName: name,
    size,
    statementTimeoutMs,
    onError: () => {},
  });
}

/** How many statements of an application are under way in Postgres. */
async function active(name: string): Promise<number> {
  const { rowCount } = await pool.query(
    `select from pg_stat_activity where application_name = $1 and state = 'active'`,
    [name],
  );
  return rowCount ?? 0;
}

test('beyond so many requests in flight it is 503 at once, but for the probes', async () => {
  const api = await startOwnApi(pool, { config: testConfig({ MAX_REQUESTS_IN_FLIGHT: '2' }) });
  const { body } = await api.call('POST', '/v1/tasks/example.sleep', {
    payload: { ms: 1 },
    delay_seconds: 600,
  });
  const waiting = [1, 2].map(() => api.call('GET', `/v1/tasks/${body.task.id}?wait=30`));
  const refused = await until('they are in flight', async () => {
    const answer = await api.call('GET', '/v1/runners');
    return answer.status === 503 && answer;
  });
  expectError(refused, unavailable);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await api.call('GET', '/live')).status).toBe(200);
  await pool.query(`delete from errand.tasks where id = $1`, [body.task.id]);
  await Promise.all(waiting);
  expect((await api.call('GET', '/v1/runners')).status).toBe(200);
});

test('a request whose time is up is 408, and its statement is cancelled in Postgres', async () => {
  const own = poolOf('test timeout', 4);
  const config = testConfig({ REQUEST_TIMEOUT_SECS: '0.3' });
  const api = await startOwnApi(own, { config });
  const open = await closeGate(pool, 'access exclusive');
  const id = '019c0000-0000-7000-8000-000000000000';
  const items = [{ payload: { message: 'late' } }];
  for (const [method, path, body] of [
    ['GET', '/v1/tasks', undefined],
    ['GET', `/v1/tasks/${id}`, undefined],
    ['DELETE', `/v1/tasks/${id}`, undefined],
    ['POST', '/v1/tasks/example.echo/batch', { items }],
    ['POST', '/v1/tasks/retry', { filter: { tag: 'a' } }],
  ] as const) {
    const answer = await api.call(method, path, body);
    expectError(answer, { status: 408, code: 'REQUEST_TIMEOUT' });
    expect(answer.headers.get('retry-after')).toBe('2');
    await until('nothing runs for it any more', async () => (await active('test timeout')) === 0);
  }
  await open();
  expect((await counts(pool)).tasks).toBe(0);
  // On a busy machine a request may be late by itself.
  await until('requests are answered again', async () => (await api.call('GET', '/v1/tasks')).status === 200);
  await own.end();
});

test('the read of a caller who hangs up is cancelled in Postgres', async () => {
  const own = poolOf('test gone', 4);
  const api = await startOwnApi(own);
  const open = await closeGate(pool, 'access exclusive');
  const leaving = new AbortController();
  const asked = fetch(`${api.url}/v1/tasks`, { signal: leaving.signal });
  await until('it waits in Postgres', async () => (await active('test gone')) > 0);
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await until('it is cancelled', async () => (await active('test gone')) === 0);
  expect(api.lines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  await open();
  await own.end();
});

test('reads that hang take no connection from submissions', async () => {
  const own = poolOf('test writes', 2);
  const readPool = poolOf('test reads', 2);
  const api = await startOwnApi(own, { readPool });
  const blocker = await pool.connect();
  // Blocks the list of runners, and nothing that a submission needs.
  await blocker.query('begin; lock table errand.runners in access exclusive mode');
  const reads = Array.from({ length: 6 }, () => api.call('GET', '/v1/runners'));
  await until('the reads have all connections', async () => (await active('test reads')) === 2);
  const submitted = await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'through' } });
  expect(submitted.status).toBe(201);
  await blocker.query('rollback');
  blocker.release();
  expect((await Promise.all(reads)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  await Promise.all([own.end(), readPool.end()]);
});

test('a namespace that has as much waiting as it may takes no more, and others do', async () => {
  const names = ['example.echo', 'example.sleep', 'text.count_words'];
  const log = pino({ level: 'silent' });
  const backpressure = limitDepth({ database: pool, names: async () => names, limit: 3, log });
  const api = await startOwnApi(pool, { backpressure });
  await pool.query('delete from errand.tasks');
  await submit(pool, ...[1, 2, 3, 4].map((ms) => ({ name: 'example.sleep', payload: { ms } })));
  const send = (path: string, body: object) => api.call('POST', path, body);
  const echo = { payload: { message: 'full' } };
  const refused = await until('it is full', async () => {
    const answer = await send('/v1/tasks/example.echo', { payload: { message: crypto.randomUUID() } });
    return answer.status === 503 && answer;
  });
  expectError(refused, unavailable);
  expect(refused.headers.get('retry-after')).toBe('5');
  for (const [path, body] of [
    ['/v1/tasks', { name: 'example.echo', ...echo }],
    ['/v1/tasks/example.echo/batch', { items: [echo] }],
  ] as const) {
    expectError(await send(path, body), unavailable);
  }
  expect((await send('/v1/tasks/text.count_words', { payload: { text: 'a' } })).status).toBe(201);
  expect((await api.call('GET', '/v1/tasks')).status).toBe(200);
  await pool.query('delete from errand.tasks');
  await until('there is room again', async () => (await send('/v1/tasks/example.echo', echo)).status === 201);
  backpressure.close();
});
