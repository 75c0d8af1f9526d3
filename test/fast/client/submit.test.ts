import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  ConflictError,
  createClient,
  NotFoundError,
  TaskFailedError,
  TimeoutError,
  ValidationError,
} from '../../../client/index.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { clientOf, startRegisteredApi } from './clients.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);
const client = clientOf(api.url);

async function countTasks(tag: string): Promise<number> {
  const { rows } = await pool.query('select 1 from errand.tasks where $1 = any (tags)', [tag]);
  return rows.length;
}

test('a task is submitted, waited for, and gives what its handler returned', async () => {
  await startTestRunner(pool);
  const task = await client.submit('text.count_words', { text: 'Call me Ishmael.' });
  expect(task).toMatchObject({ created: true, name: 'text.count_words', maxAttempts: 25, dedup: 'payload' });
  expect(task.message).toContain('Task created');
  const done = await client.wait(task);
  expect(done.state).toBe('succeeded');
  expect(done.result).toEqual({ words: 3, characters: 16, longest_word: 'Ishmael' });
  expect(done.finishedAt).toMatch(/Z$/);
  expect(await client.get(task)).toEqual(done);
});

test('what a submission says beside its payload arrives', async () => {
  const runAt = new Date(Date.now() + 3_600_000);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const task = await client.submit(
    'example.echo',
    { message: 'hello' },
    {
      version: '1.0.0',
      priority: -7,
      runAt,
      tags: ['a', 'b'],
      initiator: 'ann',
      sourceSystem: 'shop',
      reason: 'why not',
      maxAttempts: 3,
      dedupKey: 'k1',
      traceparent,
    },
  );
  expect(task).toMatchObject({
    state: 'scheduled',
    version: '1.0.0',
    priority: -7,
    runAt: runAt.toISOString(),
    tags: ['a', 'b'],
    initiator: 'ann',
    sourceSystem: 'shop',
    reason: 'why not',
    maxAttempts: 3,
    dedup: 'key',
    dedupKey: 'k1',
    traceparent,
    payload: { message: 'hello' },
  });
  const later = await client.submit('example.sleep', { ms: 1 }, { delaySeconds: 60, dedupWindowSeconds: 5 });
  expect(later.state).toBe('scheduled');
});

test('names of payloads and results stay as they are written', async () => {
  const untyped = createClient({ baseUrl: api.url });
  const payload = { url: 'https://example.com/', json: { some_key: { inner_key: 1 } } };
  const { id } = await untyped.submit('http.request', payload, { delaySeconds: 3_600 });
  expect((await untyped.get(id)).payload).toEqual(payload);
});

test('the same payload twice is one task where the definition says so, and two where it does not', async () => {
  const tags = [randomUUID()];
  const first = await client.submit('example.echo', { message: 'twice' }, { tags });
  const second = await client.submit('example.echo', { message: 'twice' }, { tags });
  expect([first.created, second.created, second.id]).toEqual([true, false, first.id]);
  const one = await client.submit('example.sleep', { ms: 0 }, { tags });
  const other = await client.submit('example.sleep', { ms: 0 }, { tags });
  expect([one.created, other.created]).toEqual([true, true]);
  expect(other.id).not.toBe(one.id);
  expect(await countTasks(tags[0] ?? '')).toBe(3);
});

test('a submission may say otherwise', async () => {
  const message = randomUUID();
  const first = await client.submit('example.echo', { message }, { dedup: 'none' });
  const second = await client.submit('example.echo', { message }, { dedup: 'none' });
  expect([second.created, second.id === first.id]).toEqual([true, false]);
  const ms = 3_599_999;
  const one = await client.submit('example.sleep', { ms }, { dedup: 'payload', delaySeconds: 9 });
  const other = await client.submit('example.sleep', { ms }, { dedup: 'payload', delaySeconds: 9 });
  expect([other.created, other.id]).toEqual([false, one.id]);
});

test('the same idempotency key is the same task, and with another payload a conflict', async () => {
  const idempotencyKey = randomUUID();
  const first = await client.submit('example.echo', { message: 'one' }, { idempotencyKey });
  const second = await client.submit('example.echo', { message: 'one' }, { idempotencyKey });
  expect(second).toMatchObject({ id: first.id, created: false, dedup: 'idempotency_key' });
  const error = await client
    .submit('example.echo', { message: 'two' }, { idempotencyKey })
    .catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ConflictError);
  expect(error).toMatchObject({
    code: 'CONFLICT',
    status: 409,
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

test('what does not fit is told whole, and an unknown name with those that look like it', async () => {
  const untyped = createClient({ baseUrl: api.url });
  const invalid = await untyped.submit('example.echo', { message: 7, count: 0 }).catch((thrown) => thrown);
  expect(invalid).toBeInstanceOf(ValidationError);
  expect(invalid).toMatchObject({ name: 'ValidationError', status: 400, code: 'VALIDATION_FAILED' });
  expect(invalid.details.map(({ path }: { path: string }) => path)).toEqual([
    '/body/payload/message',
    '/body/payload/count',
  ]);
  const unknown = await untyped.submit('example.ecko', {}).catch((thrown) => thrown);
  expect(unknown).toBeInstanceOf(NotFoundError);
  expect(unknown.details).toContainEqual(expect.objectContaining({ message: 'example.echo' }));
  await expect(untyped.get(randomUUID())).rejects.toThrow(NotFoundError);
});

test('waiting for a task that fails, is cancelled or takes too long throws what became of it', async () => {
  const slow = await client.submit('example.sleep', { ms: 3_600_000 }, { delaySeconds: 3_600 });
  const late = await client.wait(slow, { timeoutMs: 50 }).catch((thrown) => thrown);
  expect(late).toBeInstanceOf(TimeoutError);
  expect(late).toMatchObject({ code: 'WAIT_TIMEOUT' });
  const cancelled = client.wait(slow).catch((thrown) => thrown);
  expect(await client.cancel(slow, { reason: 'enough' })).toMatchObject({ id: slow.id, state: 'cancelled' });
  expect(await cancelled).toMatchObject({
    code: 'TASK_CANCELLED',
    task: { id: slow.id, state: 'cancelled' },
  });

  await startTestRunner(pool);
  const failing = await client.submit('example.fail', { times: 1, permanent: true, message: 'no luck' });
  const failed = await client.wait(failing).catch((thrown) => thrown);
  expect(failed).toBeInstanceOf(TaskFailedError);
  expect(failed).toMatchObject({
    code: 'TASK_FAILED',
    message: expect.stringContaining('no luck'),
    task: {
      id: failing.id,
      error: { errorType: 'PermanentError', retryable: false },
      attempts: [{ attempt: 1 }],
    },
  });
});

test('a failed task is queued again, and explained', async () => {
  const task = await client.submit('example.sleep', { ms: 0 }, { delaySeconds: 3_600 });
  await client.cancel(task.id);
  const again = await client.retry(task.id, { reason: 'once more' });
  expect(again).toMatchObject({
    id: task.id,
    state: 'queued',
    message: expect.stringContaining('queued again'),
  });
  const explained = await client.explain(task);
  expect(explained).toMatchObject({ id: task.id, state: 'queued', nextSteps: expect.any(Array) });
  expect(explained.reasons[0]?.code).toBe('no_live_runner');
  const { rows } = await pool.query(
    'select action, reason from errand.audit where task_id = $1 order by id',
    [task.id],
  );
  expect(rows).toEqual([
    { action: 'cancel', reason: null },
    { action: 'retry', reason: 'once more' },
  ]);
});

test('any other operation is reached by its path', async () => {
  await client.submit('example.echo', { message: randomUUID() }, { delaySeconds: 3_600 });
  const query = { name: 'example.echo', state: ['queued', 'scheduled'] };
  const page = await client.request<{ tasks: { created_at: string }[] }>('GET', '/v1/tasks', { query });
  expect(page.tasks[0]?.created_at).toMatch(/Z$/);
  expect(
    await client.request('POST', '/v1/tasks/cancel', { body: { filter: { tag: 'x' }, dry_run: true } }),
  ).toMatchObject({
    matched: 0,
  });
  const paused = await client.request('PUT', '/v1/queues/report/pause', {
    query: { reason: 'stock-taking' },
  });
  expect(paused).toMatchObject({ paused: true });
});

test('a base URL may have a path and a slash at its end, and has to be one', () => {
  expect(() => createClient({ baseUrl: 'localhost:8080' })).toThrow(TypeError);
  expect(() => createClient({ baseUrl: 'https://errand.example.com/tasks/' })).not.toThrow();
});
