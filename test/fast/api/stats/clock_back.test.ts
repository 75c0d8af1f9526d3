import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions, ownDefinitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, submitOne } from '../../../support/tasks.ts';

// The clock of Postgres goes back by an hour while tasks run or wait, as after a failover: they start after they have ended,
// and are queued for a time that has not come. Nothing that is told of them lasts less than no time; the API's tests hold
// each answer to its schema, where durations are at least 0.

const { pool } = await createDatabase();
await registerDefinitions(pool, [...definitions, ...ownDefinitions]);
const api = await startApi(pool);

async function ask(path: string): Promise<Record<string, never>> {
  const { status, body } = await api.call('GET', path);
  expect([status, body.code]).toEqual([200, undefined]);
  return body;
}

/** Every number under a key that tells a duration, with its path. */
function durations(value: unknown, path = ''): [string, number][] {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'number' && /_(ms|seconds)\b/.test(path) ? [[path, value]] : [];
  }
  return Object.entries(value).flatMap(([key, inner]) => durations(inner, `${path}.${key}`));
}

test('F14: what has started after it has ended, by the clock that went back, has taken no time', async () => {
  const runner = await startTestRunner(pool);
  const { body } = await api.call('POST', '/v1/tasks/example.linear', { payload: { number: 1 } });
  const { id } = body.task;
  await finished(pool, id);
  await runner.stop();
  const delivery = await submitOne(pool, {
    name: 'webhook.deliver',
    payload: {
      url: 'https://x.example',
      message_id: 'a',
      namespace: 'example',
      body: { type: 'task.succeeded' },
    },
  });
  await pool.query(
    `update errand.tasks set state = 'succeeded', callback_of = $2, finished_at = now(), started_at = now(), dispatch_id = null where id = $1`,
    [delivery.id, id],
  );
  await submitOne(pool, { name: 'example.echo', payload: { message: 'x' } });
  await pool.query(
    `update errand.tasks set started_at = started_at + interval '1 hour', run_at = run_at + interval '1 hour'`,
  );
  for (const [path, some] of [
    [`/v1/tasks/${id}`, 0],
    [`/v1/tasks/${id}/workflow_steps`, 3],
    [`/v1/tasks/${id}/deliveries`, 1],
    ['/v1/tasks', 0],
    ['/v1/tasks/stats', 1],
    ['/v1/analytics/performance', 1],
    ['/v1/analytics/bottlenecks', 2],
    ['/health/detailed', 1],
  ] as const) {
    const told = durations(await ask(path));
    expect([path, told.length >= some]).toEqual([path, true]);
    expect([path, told.filter(([, duration]) => duration < 0)]).toEqual([path, []]);
  }
  const metrics = (await api.call('GET', '/metrics')).text;
  expect(metrics).toContain('errand_queue_oldest_wait_seconds{');
  expect(metrics.split('\n').filter((line) => /^errand_\S+(seconds|_sum)\S* -/.test(line))).toEqual([]);
});
