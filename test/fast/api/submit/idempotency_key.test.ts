import { createConnection } from 'node:net';
import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { counts, expectRefused, ledgerRow } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const other = await startApi(pool);
const SLEEP = '/v1/tasks/example.sleep';

function submit(key: string, ms: number, from = api) {
  return from.call('POST', SLEEP, { payload: { ms } }, { 'idempotency-key': key });
}

test('F11: a hundred clients with one key at once, over two API processes, are one task with one id', async () => {
  const before = await counts(pool);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => submit('rush', 5, index % 2 === 0 ? api : other)),
  );
  expect(new Set(answers.map(({ body }) => body.task.id)).size).toBe(1);
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([...Array(99).fill(200), 201]);
  expect(await counts(pool)).toEqual({ tasks: before.tasks + 1, dispatches: before.dispatches + 1 });
});

test.each(['\u00e9', '\u00c3\u00a9', 'a\u0080b', '\u00ff'])(
  'a key with %j, which clients read in different ways, is refused, of a task and of a batch',
  async (key) => {
    for (const [path, body] of [
      [SLEEP, { payload: { ms: 3 } }],
      [`${SLEEP}/batch`, { items: [{ payload: { ms: 3 } }] }],
      ['/v1/tasks', { name: 'example.sleep', payload: { ms: 3 } }],
    ] as const) {
      const send = () => api.call('POST', path, body, { 'idempotency-key': key });
      const refusal = { status: 400, code: 'VALIDATION_FAILED', details: 'some' } as const;
      const answer = await expectRefused(api, pool, send, refusal);
      expect(answer.body.details[0].path).toBe('/headers/idempotency-key');
    }
  },
);

test('a hundred different keys at once are a hundred tasks', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => submit(`own ${index}`, 5)));
  expect(new Set(answers.map(({ body }) => body.task.id)).size).toBe(100);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
});

test('F11: the answer is lost after the commit: the retry gives the same task', async () => {
  const body = JSON.stringify({ payload: { ms: 77 } });
  const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(api.url).port) });
  socket.on('error', () => {});
  socket.write(
    `POST ${SLEEP} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
      `idempotency-key: lost\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const find = `select id from errand.tasks where dedup_key = 'lost'`;
  const id = await until('the task is committed', async () => (await pool.query(find)).rows[0]?.id);
  socket.destroy();
  const retried = await submit('lost', 77);
  expect(retried.status).toBe(200);
  expect(retried.body.task.id).toBe(id);
});

test('the same key with another payload is 409 and changes nothing', async () => {
  const first = await submit('once', 1);
  const before = await ledgerRow(pool, first.body.task.id);
  const answer = await expectRefused(api, pool, () => submit('once', 2), { status: 409, code: 'CONFLICT' });
  expect(answer.body.error).toBe(
    'The Idempotency-Key "once" was already used with another payload: use a new key',
  );
  expect(await ledgerRow(pool, first.body.task.id)).toEqual(before);
  expect((await submit('once', 1)).body.task.id).toBe(first.body.task.id);
});

test('also when both come at once: one payload wins, the other is 409', async () => {
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => submit(`both ${round}`, index % 2, index < 5 ? api : other)),
    );
    const stored = answers.find(({ status }) => status === 201)?.body.task;
    for (const [index, { status, body }] of answers.entries()) {
      if (index % 2 === stored.payload.ms) expect([200, 201]).toContain(status);
      else expect({ status, code: body.code }).toEqual({ status: 409, code: 'CONFLICT' });
    }
  }
});

test('also after the task has ended', async () => {
  const { body } = await submit('ended', 1);
  for (const state of ['succeeded', 'failed', 'cancelled']) {
    await pool.query('update errand.tasks set state = $2, started_at = now() where id = $1', [
      body.task.id,
      state,
    ]);
    expect((await submit('ended', 2)).status).toBe(409);
    expect(await ledgerRow(pool, body.task.id)).toMatchObject({ state, attempt: 1 });
  }
});

test('only the payload is compared, not the options', async () => {
  const headers = { 'idempotency-key': 'options' };
  const first = await api.call('POST', SLEEP, { payload: { ms: 1 }, priority: 1 }, headers);
  const second = await api.call('POST', SLEEP, { priority: 2, payload: { ms: 1 } }, headers);
  expect(second.body).toMatchObject({ created: false, task: { id: first.body.task.id, priority: 1 } });
});

test('a dedup_key in the body goes before the header', async () => {
  const headers = { 'idempotency-key': 'header' };
  const send = (ms: number) => api.call('POST', SLEEP, { payload: { ms }, dedup_key: 'body' }, headers);
  const first = await send(1);
  expect(first.body.task).toMatchObject({ dedup: 'key', dedup_key: 'body' });
  expect((await send(2)).body.task.id).toBe(first.body.task.id);
});

test('an empty key and one over 255 characters are refused', async () => {
  for (const key of ['', 'k'.repeat(256)]) {
    await expectRefused(api, pool, () => submit(key, 1), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: '/headers/idempotency-key', message: expect.stringMatching(/must NOT have/) }],
    });
  }
  expect((await submit('k'.repeat(255), 1)).status).toBe(201);
});
