import { request } from 'node:http';
import { expect, test } from 'vitest';
import { type Statement, startOwnApi, watched } from '../../../fast/api/app.ts';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess } from '../../../support/processes.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { until } from '../../../support/until.ts';

const database = await createDatabase();
const { pool } = database;
const SLEEP = '/v1/tasks/example.sleep';

/** Tells how often a statement was sent so far. */
function counting() {
  const statements: Statement[] = [];
  const count = (name: string) => statements.filter((one) => one.name === name).length;
  return { pool: watched(pool, (statement) => statements.push(statement)), count };
}

test('a wait ends when the task has finished, with its result and its attempts', async () => {
  const api = await startOwnApi(pool);
  const { body } = await api.call('POST', SLEEP, { payload: { ms: 30 } });
  const waiting = api.call('GET', `/v1/tasks/${body.task.id}?wait=30`);
  await startTestRunner(pool);
  const answer = await waiting;
  expect(answer.body).toMatchObject({
    id: body.task.id,
    state: 'succeeded',
    result: { slept_ms: expect.any(Number) },
    attempts: [{ attempt: 1, outcome: 'succeeded' }],
  });
});

test('a submission can wait too, by every route for one task, also when it is a duplicate', async () => {
  const api = await startOwnApi(pool);
  await startTestRunner(pool);
  const headers = { 'idempotency-key': 'waits' };
  const first = await api.call('POST', `${SLEEP}?wait=30`, { payload: { ms: 20 } }, headers);
  expect(first).toMatchObject({ status: 201, body: { created: true, task: { state: 'succeeded' } } });
  expect(first.body.message).toBe('Task created: it has succeeded');
  const body = { name: 'example.sleep', payload: { ms: 20 } };
  const second = await api.call('POST', '/v1/tasks?wait=30', body, headers);
  expect(second).toMatchObject({ status: 200, body: { created: false, task: { state: 'succeeded' } } });
});

test('a wait for a task that fails ends with its error', async () => {
  const api = await startOwnApi(pool);
  await startTestRunner(pool);
  const payload = { times: 1, permanent: true, message: 'no luck' };
  const { body } = await api.call('POST', '/v1/tasks/example.fail?wait=30', { payload });
  expect(body.task).toMatchObject({ state: 'failed', error: { message: 'no luck', retryable: false } });
});

test('when the time is over the task comes as it is', async () => {
  const counted = counting();
  const api = await startOwnApi(counted.pool);
  const { body } = await api.call('POST', `${SLEEP}?wait=0.2`, { payload: { ms: 1 }, delay_seconds: 3_600 });
  expect(body.task.state).toBe('scheduled');
  expect(counted.count('get_state')).toBeGreaterThan(1);
  const read = await api.call('GET', `/v1/tasks/${body.task.id}?wait=0.2`);
  expect(read).toMatchObject({ status: 200, body: { state: 'scheduled', attempts: [] } });
});

test('without wait, with wait=0, and for a task that has finished, nobody waits', async () => {
  const counted = counting();
  const api = await startOwnApi(counted.pool);
  const { body } = await api.call('POST', SLEEP, { payload: { ms: 1 }, delay_seconds: 3_600 });
  const path = `/v1/tasks/${body.task.id}`;
  expect((await api.call('GET', `${path}?wait=0`)).body.state).toBe('scheduled');
  await pool.query(`update errand.tasks set state = 'cancelled' where id = $1`, [body.task.id]);
  expect((await api.call('GET', `${path}?wait=30`)).body.state).toBe('cancelled');
  expect(counted.count('get_state')).toBe(0);
});

test('a task that is removed while somebody waits for it is 404', async () => {
  const counted = counting();
  const api = await startOwnApi(counted.pool);
  const { body } = await api.call('POST', SLEEP, { payload: { ms: 1 }, delay_seconds: 3_600 });
  const waiting = api.call('GET', `/v1/tasks/${body.task.id}?wait=30`);
  await until('the wait is under way', () => counted.count('get_state') > 1);
  await pool.query('delete from errand.tasks where id = $1', [body.task.id]);
  expect((await waiting).status).toBe(404);
});

test('the caller hanging up ends the wait', async () => {
  const counted = counting();
  const api = await startOwnApi(counted.pool);
  const { body } = await api.call('POST', SLEEP, { payload: { ms: 1 }, delay_seconds: 3_600 });
  const waiting = request(`${api.url}/v1/tasks/${body.task.id}?wait=30`);
  waiting.on('error', () => {});
  waiting.end();
  await until('the wait is under way', () => counted.count('get_state') > 1);
  expect(api.lines.map(({ msg }) => msg)).not.toContain('the caller disconnected before the answer');
  waiting.destroy();
  await until(
    'the request is over',
    () => api.lines.some(({ msg }) => msg === 'the caller disconnected before the answer'),
    5_000,
  );
  expect((await api.call('GET', '/v1/tasks')).status).toBe(200);
});

test('an API that is stopping answers everybody who waits at once, then ends with 0', async () => {
  const api = await startProcess('api/main.ts', database.url);
  const { body } = await call(api.url, 'POST', SLEEP, { payload: { ms: 1 }, delay_seconds: 3_600 });
  const waiting = Array.from({ length: 5 }, () => call(api.url, 'GET', `/v1/tasks/${body.task.id}?wait=30`));
  const submitting = call(api.url, 'POST', `${SLEEP}?wait=30`, { payload: { ms: 2 }, delay_seconds: 3_600 });
  const find = `select from errand.tasks where payload @> '{"ms":2}' and state = 'scheduled'`;
  await until('the submission waits', async () => (await pool.query(find)).rowCount === 1);
  api.child.kill('SIGTERM');
  for (const answer of await Promise.all(waiting)) {
    expect(answer).toMatchObject({ status: 200, body: { state: 'scheduled' } });
  }
  expect(await submitting).toMatchObject({ status: 201, body: { task: { state: 'scheduled' } } });
  expect(await api.exited).toBe(0);
});
