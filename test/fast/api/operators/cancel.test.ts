import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, inState, outcomes } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

async function sleepTask(ms: number, more: Record<string, unknown> = {}): Promise<string> {
  const { body } = await api.call('POST', '/v1/tasks/example.sleep', { payload: { ms }, ...more });
  return body.task.id;
}

test('a task that has not started is cancelled at once, and a retry queues it again', async () => {
  for (const more of [{}, { delay_seconds: 60 }]) {
    const id = await sleepTask(1, more);
    const answer = await api.call('DELETE', `/v1/tasks/${id}`);
    expect(answer).toMatchObject({
      status: 200,
      body: { task: { id, state: 'cancelled' }, message: 'Task cancelled' },
    });
    expect(answer.body.task.finished_at).not.toBeNull();
    const again = await api.call('PATCH', `/v1/tasks/${id}/retry`);
    expect(again.body.task).toMatchObject({ state: 'queued', attempt: 1, cancel_requested_at: null });
    await api.call('DELETE', `/v1/tasks/${id}`);
  }
});

test('a running task is asked to end, and its runner records that it was cancelled', async () => {
  await startTestRunner(pool);
  const id = await sleepTask(60_000);
  await inState(pool, id, 'running');
  const answer = await api.call('DELETE', `/v1/tasks/${id}`);
  expect(answer).toMatchObject({ status: 200, body: { task: { state: 'running' } } });
  expect(answer.body.task.cancel_requested_at).not.toBeNull();
  expect(await finished(pool, id, 3_000)).toMatchObject({
    state: 'cancelled',
    error: { error_code: 'CANCELLED' },
  });
  expect(await outcomes(pool, id)).toEqual([[1, 'cancelled']]);
});

test('a finished task can not be cancelled, an unknown one is not found, and an id must be one', async () => {
  await startTestRunner(pool);
  const id = await sleepTask(1);
  await finished(pool, id);
  expect(await api.call('DELETE', `/v1/tasks/${id}`)).toMatchObject({
    status: 400,
    body: { code: 'BAD_REQUEST', error: 'Task cannot be cancelled: it has succeeded' },
  });
  const unknown = await api.call('DELETE', '/v1/tasks/00000000-0000-7000-8000-000000000000');
  expect(unknown).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  expect(await api.call('DELETE', '/v1/tasks/not-an-id')).toMatchObject({ status: 400 });
});

test('GET /v1/runners tells the live pool, and on demand who has left it', async () => {
  const runner = await startTestRunner(pool, { concurrency: 3 });
  const live = await api.call('GET', '/v1/runners');
  expect(live.status).toBe(200);
  expect(live.body.runners).toMatchObject([
    { id: runner.id, pid: process.pid, concurrency: 3, lease_secs: 15, overdue: false, ended_at: null },
  ]);
  expect(live.body.runners[0].task_names).toContain('example.echo');
  await runner.stop();
  expect((await api.call('GET', '/v1/runners')).body.runners).toEqual([]);
  const all = await api.call('GET', '/v1/runners?ended=true');
  expect(all.body.runners[0]).toMatchObject({ id: runner.id, end_reason: 'stopped' });
});
