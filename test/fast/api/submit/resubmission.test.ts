import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registryWith, textTask } from '../definitions.ts';
import { dispatchesOf, ledgerRow } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool, {
  registry: registryWith(textTask('window.minute', { dedup: { windowSeconds: 60 } })),
});
let count = 0;

/** A task that nobody has submitted yet, and the same submission again. */
async function submitted(options: Record<string, unknown> = {}) {
  const body = { payload: { message: `number ${++count}` }, ...options };
  const again = (more: Record<string, unknown> = {}) =>
    api.call('POST', '/v1/tasks/example.echo', { ...body, ...more });
  const first = await again();
  expect(first.status).toBe(201);
  return { id: first.body.task.id as string, first: first.body.task, again };
}

/** As a runner would have left it. */
async function ended(id: string, state: string, set: string): Promise<void> {
  await pool.query(
    `update errand.tasks
        set state = $2, dispatch_id = null, started_at = now() - interval '1 s', finished_at = now(), ${set}
      where id = $1`,
    [id, state],
  );
}

const ERROR = `error = '{"error_type":"Error","message":"no luck","error_code":null,"retryable":true,"metadata":null,"stack":null}'`;

test.each(['scheduled', 'waiting', 'queued', 'running', 'retrying'])(
  'a duplicate of a %s task is that task, with one attempt more and nothing else changed',
  async (state) => {
    const { id, again } = await submitted();
    await pool.query('update errand.tasks set state = $2 where id = $1', [id, state]);
    const before = await ledgerRow(pool, id);
    const second = await again({ priority: 9, delay_seconds: 50, tags: ['late'], max_attempts: 3 });
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({ created: false, task: { id, state, max_attempts: 26 } });
    expect(second.body.message).toMatch(
      /it may make one more attempt, unless its duplicates have already added ten/,
    );
    expect(await ledgerRow(pool, id)).toEqual({ ...before, max_attempts: 26, added_attempts: 1 });
    expect((await again()).body.task.max_attempts).toBe(27);
    expect(await dispatchesOf(pool, [id])).toHaveLength(1);
  },
);

test('all duplicates of a task together add ten attempts at most', async () => {
  const { id, again } = await submitted({ max_attempts: 2 });
  for (let times = 0; times < 21; times++) await again();
  expect((await again()).body.task.max_attempts).toBe(12);
  // Not each time: what has changed nothing is not written down.
  const { rows } = await pool.query(
    'select actor, action, details from errand.audit where task_id = $1 order by id',
    [id],
  );
  expect(rows).toHaveLength(10);
  expect(rows[0]).toEqual({
    actor: 'anonymous',
    action: 'resubmit',
    details: { state: 'queued', max_attempts: [2, 3] },
  });
});

test('attempts are not raised beyond 1,000', async () => {
  const { again } = await submitted({ max_attempts: 1_000 });
  expect((await again()).body.task.max_attempts).toBe(1_000);
});

test.each(['failed', 'cancelled'])('a %s task is armed again, as the new submission says', async (state) => {
  const { id, again } = await submitted({ max_attempts: 1 });
  await ended(id, state, ERROR);
  const second = await again({ priority: 4, run_at: '2099-01-01T00:00:00Z' });
  expect(second.status).toBe(200);
  expect(second.body).toMatchObject({
    created: false,
    task: {
      id,
      state: 'scheduled',
      attempt: 2,
      max_attempts: 2,
      priority: 4,
      run_at: '2099-01-01T00:00:00.000Z',
      started_at: null,
      finished_at: null,
      runner_id: null,
      error: null,
    },
  });
  expect(second.body.message).toMatch(/ended without success. It is queued again and is scheduled/);
  const dispatches = await dispatchesOf(pool, [id]);
  expect(dispatches.at(-1)).toMatchObject({ priority: 4, run_at: '2099-01-01T00:00:00.000Z', payload: [id] });
  expect((await ledgerRow(pool, id)).dispatch_id).toBe(dispatches.at(-1)?.key);
});

test('nothing of the life before stays: no request to cancel, no progress, and a suspect has its crashes to come', async () => {
  const { id, again } = await submitted();
  await ended(
    id,
    'failed',
    `cancel_requested_at = now(), progress = 0.5, progress_note = 'half', crashes = 3`,
  );
  expect((await again()).body.task.state).toBe('queued');
  const clean = { cancel_requested_at: null, progress: null, progress_note: null, crashes: 1 };
  expect(await ledgerRow(pool, id)).toMatchObject(clean);
});

test('a task that was cancelled before it started keeps its attempt', async () => {
  const { id, again } = await submitted();
  await pool.query(`update errand.tasks set state = 'cancelled', finished_at = now() where id = $1`, [id]);
  expect((await again()).body.task).toMatchObject({ id, state: 'queued', attempt: 1, max_attempts: 25 });
});

test('a budget that is not used up stays as it is', async () => {
  const { id, again } = await submitted({ max_attempts: 9 });
  await ended(id, 'failed', 'attempt = 3');
  expect((await again()).body.task).toMatchObject({ state: 'queued', attempt: 4, max_attempts: 9 });
});

test.each(['succeeded', 'resolved'])('of a %s task the stored result comes back', async (state) => {
  const { id, again } = await submitted();
  await ended(id, state, `result = '{"messages":["done"]}'`);
  const before = await ledgerRow(pool, id);
  const second = await again();
  expect(second.status).toBe(200);
  expect(second.body).toMatchObject({ created: false, task: { id, state, result: { messages: ['done'] } } });
  expect(second.body.message).toMatch(/its result is stored/);
  expect(await ledgerRow(pool, id)).toEqual(before);
});

test('dedup_window_seconds ends the uniqueness, and the old task stays', async () => {
  const { id, again } = await submitted({ dedup_window_seconds: 60 });
  expect((await again()).body.task.id).toBe(id);
  await pool.query(`update errand.tasks set dedup_until = now() - interval '1 ms' where id = $1`, [id]);
  const after = await again();
  expect(after.status).toBe(201);
  expect(after.body.task.id).not.toBe(id);
  expect((await again()).body.task.id).toBe(after.body.task.id);
  expect((await api.call('GET', `/v1/tasks/${id}`)).body.state).toBe('queued');
});

test('the window of a definition holds for submissions that say nothing of it', async () => {
  const send = () => api.call('POST', '/v1/tasks/window.minute', { payload: { text: 'a' } });
  const { id } = (await send()).body.task;
  const row = await ledgerRow(pool, id);
  expect(row.dedup_until).not.toBeNull();
  expect((await send()).body.task.id).toBe(id);
  await pool.query('update errand.tasks set dedup_until = now() where id = $1', [id]);
  expect((await send()).status).toBe(201);
});

test('twenty at once after the window are one new task', async () => {
  const { id, again } = await submitted({ dedup_window_seconds: 60 });
  await pool.query(`update errand.tasks set dedup_until = now() - interval '1 s' where id = $1`, [id]);
  const answers = await Promise.all(Array.from({ length: 20 }, () => again()));
  const ids = new Set(answers.map(({ body }) => body.task.id));
  expect(ids.size).toBe(1);
  expect(ids.has(id)).toBe(false);
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
});

test('twenty at once on a failed task arm it once', async () => {
  const { id, again } = await submitted();
  await ended(id, 'failed', ERROR);
  const answers = await Promise.all(Array.from({ length: 20 }, () => again()));
  expect(new Set(answers.map(({ body }) => body.task.id))).toEqual(new Set([id]));
  expect(await ledgerRow(pool, id)).toMatchObject({ state: 'queued', attempt: 2 });
  expect(await dispatchesOf(pool, [id])).toHaveLength(2); // the first one, and one for attempt 2
});
