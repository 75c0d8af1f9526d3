import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { dispatchesOf, expectError, expectRefused, ledgerRow } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

async function failTask(times: number, options: Record<string, unknown> = {}): Promise<string> {
  const payload = { times, message: 'as asked' };
  const { body } = await api.call('POST', '/v1/tasks/example.fail', { payload, ...options });
  return body.task.id;
}

const retry = (id: string) => api.call('PATCH', `/v1/tasks/${id}/retry`);

test('a failed task is queued again with its history, and runs', async () => {
  const id = await failTask(2, { max_attempts: 1 });
  const runner = await startTestRunner(pool);
  await finished(pool, id);
  await runner.stop();
  expect((await api.call('GET', `/v1/tasks/${id}`)).body).toMatchObject({
    state: 'failed',
    attempt: 1,
    max_attempts: 1,
  });

  const answer = await retry(id);
  expect(answer.status).toBe(200);
  expect(answer.body.message).toBe('The task is queued again: attempt 2 of 2');
  expect(answer.body.task).toMatchObject({
    id,
    state: 'queued',
    attempt: 2,
    max_attempts: 2,
    error: null,
    started_at: null,
    finished_at: null,
    runner_id: null,
    payload: { times: 2, message: 'as asked' },
  });
  const read = await api.call('GET', `/v1/tasks/${id}`);
  expect(read.body.attempts).toMatchObject([
    { attempt: 1, outcome: 'failed', error: { message: 'as asked' } },
  ]);

  await startTestRunner(pool);
  await finished(pool, id);
  expect((await retry(id)).body.task).toMatchObject({ attempt: 3, max_attempts: 3 });
  await finished(pool, id);
  const done = await api.call('GET', `/v1/tasks/${id}`);
  expect(done.body).toMatchObject({ state: 'succeeded', attempt: 3, result: { attempts: 3 }, error: null });
  const outcomes = done.body.attempts.map((one: { outcome: string }) => one.outcome);
  expect(outcomes).toEqual(['failed', 'failed', 'succeeded']);
});

test('a permanent failure with budget left is retried within it', async () => {
  const id = await failTask(1);
  await pool.query(
    `update errand.tasks set state = 'failed', started_at = now(), finished_at = now(), attempt = 4 where id = $1`,
    [id],
  );
  expect((await retry(id)).body.task).toMatchObject({ state: 'queued', attempt: 5, max_attempts: 25 });
});

test('a cancelled task is queued again: its attempt is kept if it never started', async () => {
  const id = await failTask(0, { delay_seconds: 600, max_attempts: 1 });
  await pool.query(`update errand.tasks set state = 'cancelled', finished_at = now() where id = $1`, [id]);
  const { body } = await retry(id);
  expect(body.task).toMatchObject({ state: 'queued', attempt: 1, max_attempts: 1 });
  expect(Date.parse(body.task.run_at)).toBeLessThanOrEqual(Date.now() + 1_000);
});

test('nothing of the life before it stays: no request to cancel, no progress, and a suspect has its crashes to come', async () => {
  const id = await failTask(0);
  const previous = `finished_at = now(), started_at = now(), cancel_requested_at = now(), progress = 0.5,
                    progress_note = 'half', dispatch_id = null`;
  const clean = { cancel_requested_at: null, progress: null, progress_note: null };
  for (const [crashes, kept] of [
    [3, 1],
    [0, 0],
  ]) {
    await pool.query(`update errand.tasks set state = 'failed', crashes = $2, ${previous} where id = $1`, [
      id,
      crashes,
    ]);
    expect((await retry(id)).status).toBe(200);
    expect(await ledgerRow(pool, id)).toMatchObject({ ...clean, crashes: kept });
  }
});

test('the retry dispatches its attempt, and only that dispatch is good', async () => {
  const id = await failTask(0, { priority: 3 });
  await pool.query(
    `update errand.tasks set state = 'failed', started_at = now(), dispatch_id = null where id = $1`,
    [id],
  );
  await retry(id);
  const dispatches = await dispatchesOf(pool, [id]);
  expect(dispatches.at(-1)).toMatchObject({ identifier: 'example.fail', priority: 3, payload: [id] });
  expect((await ledgerRow(pool, id)).dispatch_id).toBe(dispatches.at(-1)?.key);
});

test.each(['scheduled', 'waiting', 'queued', 'running', 'retrying', 'succeeded', 'resolved'] as const)(
  'a %s task can not be retried, and stays as it is',
  async (state) => {
    const id = await failTask(0);
    await pool.query('update errand.tasks set state = $2 where id = $1', [id, state]);
    const before = await ledgerRow(pool, id);
    const answer = await expectRefused(api, pool, () => retry(id), { status: 400, code: 'BAD_REQUEST' });
    expect(answer.body.error).toMatch(
      new RegExp(
        `^Task cannot be retried: it (is|has|was) ${state}. Only a failed, cancelled or expired task can be retried$`,
      ),
    );
    expect(await ledgerRow(pool, id)).toEqual(before);
  },
);

test('of twenty retries at once one wins, and the task is queued once', async () => {
  const id = await failTask(0);
  await pool.query(
    `update errand.tasks set state = 'failed', started_at = now(), dispatch_id = null where id = $1`,
    [id],
  );
  const before = await dispatchesOf(pool, [id]);
  const answers = await Promise.all(Array.from({ length: 20 }, () => retry(id)));
  const [winner, ...losers] = answers.toSorted((a, b) => a.status - b.status);
  expect(winner?.status).toBe(200);
  for (const loser of losers) {
    expectError(loser, { status: 400, code: 'BAD_REQUEST' });
    expect(loser.body.error).toMatch(/^Task cannot be retried: it is queued/);
  }
  expect(await ledgerRow(pool, id)).toMatchObject({ state: 'queued', attempt: 2 });
  expect(await dispatchesOf(pool, [id])).toHaveLength(before.length + 1);
});

test('an unknown id is 404', async () => {
  const answer = await retry('019c0000-0000-7000-8000-000000000000');
  expectError(answer, { status: 404, code: 'NOT_FOUND' });
});
