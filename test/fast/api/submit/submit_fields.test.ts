import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { dispatchesOf, expectError, ledgerRow } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
let count = 0;

/** Submits an echo that no other test has submitted. */
function submit(options: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
  const body = { payload: { message: `number ${++count}` }, ...options };
  return api.call('POST', '/v1/tasks/example.echo', body, headers);
}

test('a new task is 201 with its location, the policy of its definition and a message', async () => {
  const { status, headers, body } = await submit();
  expect(status).toBe(201);
  expect(headers.get('location')).toBe(`/v1/tasks/${body.task.id}`);
  expect(body).toMatchObject({ created: true, message: 'Task created: it is queued' });
  expect(body.task).toMatchObject({
    name: 'example.echo',
    namespace: 'example',
    version: '1.0.0',
    state: 'queued',
    priority: 0,
    attempt: 1,
    max_attempts: 25,
    payload: { message: `number ${count}` },
    result: null,
    error: null,
    tags: [],
    initiator: null,
    source_system: null,
    reason: null,
    started_at: null,
    finished_at: null,
    runner_id: null,
    dedup: 'payload',
    dedup_key: null,
  });
  expect(body.task.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  const [dispatch, ...others] = await dispatchesOf(pool, [body.task.id]);
  expect(others).toEqual([]);
  expect(dispatch).toMatchObject({ identifier: 'example.echo', priority: 0, payload: [body.task.id] });
});

test('the same again is 200 with the same task, its location and a message', async () => {
  const first = await submit();
  count--;
  const second = await submit();
  expect(second.status).toBe(200);
  expect(second.headers.get('location')).toBe(`/v1/tasks/${first.body.task.id}`);
  expect(second.body).toMatchObject({ created: false, task: { id: first.body.task.id } });
  expect(second.body.message).toMatch(/submitted before and is queued/);
  expect(await dispatchesOf(pool, [first.body.task.id])).toHaveLength(1);
});

test('the right version is accepted, another is 404 that names both', async () => {
  expect((await submit({ version: '1.0.0' })).status).toBe(201);
  const other = await submit({ version: '9.9.9' });
  expectError(other, { status: 404, code: 'NOT_FOUND' });
  expect(other.body.error).toMatch(/example\.echo has no version 9\.9\.9: use 1\.0\.0/);
});

test('priority is kept and is that of the dispatch', async () => {
  const { body } = await submit({ priority: -7 });
  expect(body.task.priority).toBe(-7);
  expect(await dispatchesOf(pool, [body.task.id])).toMatchObject([{ priority: -7 }]);
});

test('run_at in the future makes it scheduled, and dispatches then', async () => {
  const { body } = await submit({ run_at: '2099-05-01T12:00:00.250+02:00' });
  expect(body.task).toMatchObject({ state: 'scheduled', run_at: '2099-05-01T10:00:00.250Z' });
  expect(body.message).toBe('Task created: it is scheduled');
  expect(await dispatchesOf(pool, [body.task.id])).toMatchObject([{ run_at: '2099-05-01T10:00:00.250Z' }]);
});

test('run_at in the past makes it queued, due since then', async () => {
  const { body } = await submit({ run_at: '2020-01-01T00:00:00Z' });
  expect(body.task).toMatchObject({ state: 'queued', run_at: '2020-01-01T00:00:00.000Z' });
});

test('delay_seconds makes it scheduled, so long from now by the clock of Postgres', async () => {
  const { body } = await submit({ delay_seconds: 3_600.5 });
  expect(body.task.state).toBe('scheduled');
  const { rows } = await pool.query<{ seconds: number }>(
    'select extract(epoch from run_at - errand.uuid_time(id))::float8 as seconds from errand.tasks where id = $1',
    [body.task.id],
  );
  expect(rows[0]?.seconds).toBeGreaterThan(3_599);
  expect(rows[0]?.seconds).toBeLessThanOrEqual(3_600.501);
});

test('no delay is due now', async () => {
  expect((await submit({ delay_seconds: 0 })).body.task.state).toBe('queued');
});

test('run_at and delay_seconds together are refused', async () => {
  const answer = await submit({ delay_seconds: 5, run_at: '2099-01-01T00:00:00Z' });
  expectError(answer, {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [{ path: '/body/delay_seconds', message: 'must not be combined with run_at, got 5' }],
  });
});

test('tags, initiator, source_system, reason and max_attempts are kept as they are', async () => {
  const options = {
    tags: ['urgent', 'späte Post 🚚', 'a,b'],
    initiator: 'ann@example.com',
    source_system: 'billing',
    reason: "the customer's wish",
    max_attempts: 3,
  };
  const { body } = await submit(options);
  expect(body.task).toMatchObject(options);
  expect((await api.call('GET', `/v1/tasks/${body.task.id}`)).body).toMatchObject(options);
});

test('dedup_key makes it known by that key, dedup none by nothing', async () => {
  expect((await submit({ dedup_key: 'order 5' })).body.task).toMatchObject({
    dedup: 'key',
    dedup_key: 'order 5',
  });
  expect((await submit({ dedup: 'none' })).body.task).toMatchObject({ dedup: null, dedup_key: null });
});

test('dedup_window_seconds says until when, and without it there is no end', async () => {
  const windowed = await submit({ dedup_window_seconds: 600 });
  const row = await ledgerRow(pool, windowed.body.task.id);
  const { rows } = await pool.query<{ seconds: number }>(
    'select extract(epoch from $1::timestamptz - errand.uuid_time($2))::float8 as seconds',
    [row.dedup_until, row.id],
  );
  expect(rows[0]?.seconds).toBeGreaterThan(595);
  expect(rows[0]?.seconds).toBeLessThanOrEqual(600.001);
  expect(await ledgerRow(pool, (await submit()).body.task.id)).toMatchObject({ dedup_until: null });
});

test('the bounds of every field are accepted', async () => {
  const most = {
    priority: 1_000,
    max_attempts: 1_000,
    tags: Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(100, 'x')),
    initiator: 'i'.repeat(200),
    source_system: 's'.repeat(200),
    reason: 'r'.repeat(1_000),
    dedup_key: 'k'.repeat(512),
    delay_seconds: 366 * 86_400,
  };
  const { status, body } = await submit(most);
  expect(status).toBe(201);
  const { delay_seconds: _, ...kept } = most;
  expect(body.task).toMatchObject(kept);
  expect((await submit({ priority: -1_000, run_at: '9999-12-31T23:59:59.999Z' })).status).toBe(201);
});
