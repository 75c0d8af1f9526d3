import { expect, test } from 'vitest';
import { getTask, listAttempts } from '../../../store/tasks/tasks.ts';
import { loadHandler } from '../../../tasks/handlers.ts';
import { loadRegistry } from '../../../tasks/index.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, inState, outcomes, submit, submitOne } from '../../support/tasks.ts';

const { pool } = await createDatabase();
/** For a task that is left unfinished: the runners of other cases would take it up. */
const { pool: apart } = await createDatabase();

test('echo gives the message back as often as asked, once by default', async () => {
  await startTestRunner(pool);
  const tasks = await submit(
    pool,
    { name: 'example.echo', payload: { message: 'ahoy' } },
    { name: 'example.echo', payload: { message: 'ahoy', count: 3 } },
    { name: 'example.echo', payload: { message: '', count: 100 } },
  );
  const results = await Promise.all(tasks.map(async ({ id }) => (await finished(pool, id)).result));
  expect(results).toEqual([
    { messages: ['ahoy'] },
    { messages: ['ahoy', 'ahoy', 'ahoy'] },
    { messages: Array(100).fill('') },
  ]);
});

test('sleep takes as long as asked', async () => {
  await startTestRunner(pool);
  const [long, none] = await submit(
    pool,
    { name: 'example.sleep', payload: { ms: 300 } },
    { name: 'example.sleep', payload: { ms: 0 } },
  );
  expect((await finished(pool, String(none?.id))).result).toEqual({ slept_ms: 0 });
  const task = await finished(pool, String(long?.id));
  expect(task.result).toEqual({ slept_ms: 300 });
  const took = Date.parse(String(task.finished_at)) - Date.parse(String(task.started_at));
  expect(took).toBeGreaterThanOrEqual(299);
});

test('sleep ends at once when its runner has to stop, and is queued again at no cost', async () => {
  const runner = await startTestRunner(apart, { shutdownTimeoutSecs: 0, abortGraceSecs: 300 });
  const { id, max_attempts } = await submitOne(apart, { name: 'example.sleep', payload: { ms: 3_600_000 } });
  await inState(apart, id, 'running');
  await runner.stop();
  expect(await getTask(apart, id)).toMatchObject({
    state: 'queued',
    attempt: 2,
    max_attempts: max_attempts + 1,
  });
  expect(await outcomes(apart, id)).toEqual([[1, 'interrupted']]);
});

test('fail fails its first attempts, then succeeds', async () => {
  await startTestRunner(pool);
  const { id } = await submitOne(pool, { name: 'example.fail', payload: { times: 2, message: 'not yet' } });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 3, result: { attempts: 3 } });
  const attempts = await listAttempts(pool, id);
  expect(attempts.map(({ outcome, error }) => [outcome, error?.message, error?.retryable])).toEqual([
    ['failed', 'not yet', true],
    ['failed', 'not yet', true],
    ['succeeded', undefined, undefined],
  ]);
});

test('fail with `permanent` is not tried again, and without a failure it succeeds at once', async () => {
  await startTestRunner(pool);
  const [permanent, never] = await submit(
    pool,
    { name: 'example.fail', payload: { times: 1, permanent: true } },
    { name: 'example.fail', payload: { times: 0, permanent: true } },
  );
  expect(await finished(pool, String(permanent?.id))).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: {
      error_type: 'PermanentError',
      message: 'failed as asked',
      error_code: 'AS_ASKED',
      retryable: false,
    },
  });
  expect(await finished(pool, String(never?.id))).toMatchObject({
    state: 'succeeded',
    result: { attempts: 1 },
  });
});

test('fail is out of attempts when they are fewer than its failures', async () => {
  await startTestRunner(pool);
  const { id } = await submitOne(pool, { name: 'example.fail', payload: { times: 9 }, maxAttempts: 2 });
  expect(await finished(pool, id)).toMatchObject({
    state: 'failed',
    attempt: 2,
    error: { message: 'failed as asked', retryable: true },
  });
});

test('crash is there to be submitted, each time as a new task, outside of production', async () => {
  const crash = loadRegistry({ NODE_ENV: 'development' }).get('example.crash');
  expect(crash?.policy.dedup.strategy).toBe('none');
  expect(await loadHandler('example.crash')).toBeTypeOf('function');
  expect(loadRegistry({ NODE_ENV: 'production' }).get('example.crash')).toBeUndefined();
});
