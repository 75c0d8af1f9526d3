import { expect, test } from 'vitest';
import { openPool } from '../../../../store/database/pool.ts';
import type { Answer } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { closeGate, type OwnApi, startOwnApi, watched } from '../app.ts';
import { counts, expectError } from '../ledger.ts';

const database = await createDatabase();
const { pool } = database;
const ID = '019c0000-0000-7000-8000-000000000000';
const away = { status: 503, code: 'SERVICE_UNAVAILABLE' };

const REQUESTS: [string, (api: OwnApi) => Promise<Answer>][] = [
  ['submit', (api) => api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'away' } })],
  ['submit by name', (api) => api.call('POST', '/v1/tasks', { name: 'example.sleep', payload: { ms: 1 } })],
  [
    'submit a batch',
    (api) => api.call('POST', '/v1/tasks/example.sleep/batch', { items: [{ payload: { ms: 1 } }] }),
  ],
  ['read', (api) => api.call('GET', `/v1/tasks/${ID}`)],
  ['list', (api) => api.call('GET', '/v1/tasks')],
  ['retry', (api) => api.call('PATCH', `/v1/tasks/${ID}/retry`)],
];

function poolOf(url: string, statementTimeoutMs = 20_000) {
  const own = openPool({
    connectionString: url,
    applicationName: 'test away',
    size: 4,
    statementTimeoutMs,
    onError: () => {},
  });
  return { own, end: () => own.end() };
}

test.each(REQUESTS)('no Postgres at all: to %s is 503 with Retry-After', async (_name, send) => {
  const { own, end } = poolOf('postgres://nobody@127.0.0.1:1/nowhere');
  const api = await startOwnApi(own);
  const answer = await send(api);
  expectError(answer, away);
  expect(answer.headers.get('retry-after')).toBe('2');
  expect(answer.text).not.toContain('127.0.0.1');
  expect((await api.call('GET', '/live')).status).toBe(200);
  await end();
});

test.each(REQUESTS)(
  'a connection that Postgres ends: to %s is 503 or waits for another, then served',
  async (name, send) => {
    const { own, end } = poolOf(database.url);
    const api = await startOwnApi(own);
    const open = await closeGate(pool, 'access exclusive');
    const answer = send(api);
    const waiting = `from pg_stat_activity where application_name = 'test away' and wait_event_type = 'Lock'`;
    await until(
      'the request waits in Postgres',
      async () => (await pool.query(`select ${waiting}`)).rowCount !== 0,
    );
    await pool.query(`select pg_terminate_backend(pid) ${waiting}`);
    const isRepeated = name === 'submit' || name === 'submit by name';
    if (!isRepeated) expectError(await answer, away);
    await open();
    // It goes on by another connection, unless the API knows nothing of Postgres's time yet.
    if (isRepeated) expect([201, 503]).toContain((await answer).status);
    expect((await send(api)).status).toBeLessThan(500);
    await end();
  },
);

test('a statement that takes too long is cancelled in Postgres and is 408', async () => {
  const { own, end } = poolOf(database.url, 200);
  const api = await startOwnApi(own);
  const open = await closeGate(pool, 'access exclusive');
  const answers = await Promise.all(REQUESTS.map(([, send]) => send(api)));
  for (const answer of answers) {
    expectError(answer, { status: 408, code: 'REQUEST_TIMEOUT' });
    expect(answer.headers.get('retry-after')).toBe('2');
  }
  const find = `select from pg_stat_activity where application_name = 'test away' and state = 'active'`;
  expect((await pool.query(find)).rowCount).toBe(0);
  await open();
  const before = await counts(pool);
  expect((await api.call('POST', '/v1/tasks/example.sleep', { payload: { ms: 5 } })).status).toBe(201);
  expect((await counts(pool)).tasks).toBe(before.tasks + 1);
  await end();
});

test('a deadlock is tried again, and the caller hears nothing of it', async () => {
  let deadlocks = 2;
  const failing = watched(pool, ({ name }) => {
    if (name !== 'submit_batch' || deadlocks === 0) return;
    deadlocks--;
    throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
  });
  const api = await startOwnApi(failing);
  const items = [{ payload: { message: 'deadlock' } }];
  const answer = await api.call('POST', '/v1/tasks/example.echo/batch', { items });
  expect(answer.body).toMatchObject({ created: 1 });
  expect(deadlocks).toBe(0);
});

/** Submits forty tasks at once, which go to Postgres together. */
function submitForty(api: OwnApi, initiator: (index: number) => string): Promise<Answer[]> {
  const submit = (index: number) =>
    api.call('POST', '/v1/tasks/example.sleep', { payload: { ms: index }, initiator: initiator(index) });
  return Promise.all(Array.from({ length: 40 }, (_, index) => submit(index)));
}

test('of several that are written together, only those at fault fail', async () => {
  const api = await startOwnApi(pool);
  await pool.query(`alter table errand.tasks add constraint no_ann check (initiator <> 'ann')`);
  const answers = await submitForty(api, (index) => (index % 10 === 0 ? 'ann' : 'ben'));
  await pool.query('alter table errand.tasks drop constraint no_ann');
  const statuses = answers.map(({ status }) => status);
  expect(statuses).toEqual(Array.from({ length: 40 }, (_, index) => (index % 10 === 0 ? 500 : 201)));
  const { rows } = await pool.query(`select id from errand.tasks where initiator = 'ben' order by id`);
  const ids = answers.flatMap(({ body }) => (body.task ? [body.task.id] : []));
  expect(ids.sort()).toEqual(rows.map(({ id }) => id));
});

test('when nobody is at fault, they fail together, and are not tried one by one', async () => {
  const { own, end } = poolOf(database.url, 300);
  let statements = 0;
  const api = await startOwnApi(watched(own, () => statements++));
  const open = await closeGate(pool, 'exclusive');
  const answers = await submitForty(api, () => 'cyd');
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([408]));
  expect(statements).toBeLessThan(20);
  await open();
  await end();
});
