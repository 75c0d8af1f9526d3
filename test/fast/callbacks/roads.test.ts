import { beforeEach, expect, test } from 'vitest';
import { heartbeat } from '../../../store/attempts/lease.ts';
import { recordOutcomes } from '../../../store/attempts/outcomes.ts';
import { recoverLostRunners } from '../../../store/attempts/recovery.ts';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { reportRunning } from '../../../store/attempts/running.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { getTask } from '../../../store/tasks/tasks.ts';
import { definitions } from '../../../tasks/index.ts';
import { deliver } from '../../../tasks/webhook.deliver.task.ts';
import { startApi } from '../../support/api.ts';
import { testConfig } from '../../support/api_options.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask, retryTask } from '../../support/operator.ts';
import { startTestRunner } from '../../support/runner.ts';
import { countDispatches, finished, inState, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { diamond, diamondCode } from '../workflows/shapes.ts';
import { registeredHandlersOf, submitWorkflow } from '../workflows/workflows.ts';
import {
  deliveriesDone,
  deliveriesOf,
  SECRETS,
  secretOf,
  startDelivering,
  startReceiver,
} from './receiver.ts';

// Whatever road a task takes to its end, that end is told of once.

const { pool } = await createDatabase();
const secrets = { WEBHOOK_SECRETS: secretOf('a'), ALLOW_PRIVATE_TARGETS: 'true' };
const api = await startApi(pool, { config: testConfig(secrets) });
await registerDefinitions(pool, [...definitions, diamond]);
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});
const URL_ = 'http://127.0.0.1:9/nobody';

/** The types of what is told of a task. */
async function told(id: string): Promise<string[]> {
  return (await deliveriesOf(pool, id)).map(({ type }) => type);
}

function echo(callbackUrl: string | null = URL_): Promise<{ id: string }> {
  return submitOne(pool, { name: 'example.echo', payload: { message: 'a' }, callbackUrl });
}

test('a success, recorded by a runner, comes to the receiver once', async () => {
  const receiver = await startReceiver();
  const { id } = await submitOne(pool, {
    name: 'example.echo',
    payload: { message: 'hello' },
    callbackUrl: `${receiver.url}/hook`,
    requestId: 'r-1',
    traceparent: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01',
  });
  await startTestRunner(pool, { callbacks: { allowPrivate: true, secrets: SECRETS } });
  const [delivery] = await deliveriesDone(pool, id, 1);
  expect(delivery).toMatchObject({ type: 'task.succeeded', state: 'succeeded', attempt: 1 });
  expect(receiver.requests).toMatchObject([{ method: 'POST', url: '/hook' }]);
  const task = await getTask(pool, String(delivery?.id));
  const { version, policy } = deliver;
  expect(task).toMatchObject({
    version,
    priority: policy.priority,
    max_attempts: policy.maxAttempts,
    request_id: 'r-1',
    traceparent: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01',
    result: { status: 200 },
    callback_url: null,
  });
  expect(await told(String(delivery?.id))).toEqual([]);
});

test.each([
  ['a permanent failure', { times: 1, permanent: true }, 25],
  ['the last attempt', { times: 9 }, 1],
])('%s is told of once', async (_road, payload, maxAttempts) => {
  const { id } = await submitOne(pool, { name: 'example.fail', payload, maxAttempts, callbackUrl: URL_ });
  await startTestRunner(pool);
  await finished(pool, id);
  expect(await told(id)).toEqual(['task.failed']);
});

test('a failed attempt that is tried again is no end', async () => {
  const { id } = await submitOne(pool, { name: 'example.fail', payload: { times: 1 }, callbackUrl: URL_ });
  await startTestRunner(pool);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await told(id)).toEqual(['task.succeeded']);
});

test('a task that is cancelled before it runs is told of once, and one without a callback of nothing', async () => {
  const { id } = await echo();
  const plain = await echo(null);
  for (const task of [id, plain.id]) await cancelTask(pool, task);
  expect(await told(id)).toEqual(['task.cancelled']);
  expect(await told(plain.id)).toEqual([]);
  expect(await cancelTask(pool, id)).toBeNull();
  // What has ended and is written again has not ended again.
  await pool.query('update errand.tasks set state = state where id = $1', [id]);
  expect(await told(id)).toEqual(['task.cancelled']);
});

test('a running one that is cancelled is told of when its runner has recorded it', async () => {
  const { id } = await submitOne(pool, { name: 'example.sleep', payload: { ms: 60_000 }, callbackUrl: URL_ });
  await startTestRunner(pool);
  await inState(pool, id, 'running');
  await cancelTask(pool, id);
  await finished(pool, id);
  expect(await told(id)).toEqual(['task.cancelled']);
});

test('each task of a bulk cancellation is told of once', async () => {
  const ids = await Promise.all(Array.from({ length: 5 }, async () => (await echo()).id));
  const answer = await api.call('POST', '/v1/tasks/cancel', { filter: { name: 'example.echo' } });
  expect(answer.body.changed).toBe(5);
  for (const id of ids) expect(await told(id)).toEqual(['task.cancelled']);
});

/** A runner with a lease of 10 s that has been steady for long. */
async function runner(): Promise<number> {
  const description = { host: 'here', pid: 1, version: 'test', taskNames: [], concurrency: 1 };
  const id = await registerRunner(pool, { ...description, leaseSecs: 10, parentId: 0 });
  await pool.query(`update errand.runners set steady_since = now() - interval '1 hour' where id = $1`, [id]);
  return id;
}

async function dispatchOf(id: string): Promise<{ dispatchId: string; attempt: number }> {
  const { rows } = await pool.query(
    'select dispatch_id as "dispatchId", attempt from errand.tasks where id = $1',
    [id],
  );
  return rows[0];
}

/** Shows a task as running under a runner, loses that runner, and has another one recover. */
async function loseRunnerOf(id: string): Promise<void> {
  const [lost, other] = [await runner(), await runner()];
  const { dispatchId, attempt } = await dispatchOf(id);
  await reportRunning(pool, lost, [{ id, dispatchId, attempt, elapsedMs: 300, lines: [], progress: null }]);
  await pool.query(`update errand.runners set heartbeat_at = now() - interval '11 seconds' where id = $1`, [
    lost,
  ]);
  await heartbeat(pool, other, 0);
  await recoverLostRunners(pool, other);
}

test('a quarantine is told of once, the crashes before it are not', async () => {
  const { id } = await echo();
  for (const expected of [[], [], [], [], ['task.failed']]) {
    await loseRunnerOf(id);
    expect(await told(id)).toEqual(expected);
  }
});

test('the end of a workflow is told of once, and not that of its steps', async () => {
  const receiver = await startReceiver();
  const { id } = await submitWorkflow(pool, diamond, { value: 5 }, { callbackUrl: receiver.url });
  await startDelivering(
    pool,
    {},
    { registeredHandlers: new Map(registeredHandlersOf(pool, diamond, diamondCode)) },
  );
  await deliveriesDone(pool, id, 1);
  expect(receiver.received().map(({ message }) => message)).toMatchObject([
    { type: 'task.succeeded', data: { id, result: { value: 20 }, children: 4 } },
  ]);
  const { rows } = await pool.query('select 1 from errand.tasks where callback_of is not null');
  expect(rows).toHaveLength(1);
});

test('a task that is retried and ends again is told of again, by another message', async () => {
  const { id } = await submitOne(pool, {
    name: 'example.fail',
    payload: { times: 1 },
    maxAttempts: 1,
    callbackUrl: URL_,
  });
  await startTestRunner(pool);
  await finished(pool, id);
  await retryTask(pool, id);
  await inState(pool, id, 'succeeded');
  expect(await told(id)).toEqual(['task.failed', 'task.succeeded']);
  const ids = (await deliveriesOf(pool, id)).map((one) => one.message_id);
  expect(new Set(ids).size).toBe(2);
});

test('an end that is not committed is not told of, and leaves no dispatch', async () => {
  const { id } = await echo();
  const dispatches = await countDispatches(pool);
  const { dispatchId, attempt } = await dispatchOf(id);
  const live = await runner();
  const client = await pool.connect();
  await client.query('begin');
  const of = {
    id,
    dispatchId,
    parentId: null,
    hasChildren: false,
    name: 'example.echo',
    priority: 0,
    attempt,
  };
  const outcome = { ...of, durationMs: 1, lines: [] };
  await recordOutcomes(client, live, [{ ...outcome, progress: null, kind: 'succeeded', result: '{}' }]);
  const { rows } = await client.query('select 1 from errand.tasks where callback_of = $1', [id]);
  expect(rows).toHaveLength(1);
  // As if the runner had been killed here.
  client.release(true);
  await until('the session is gone', async () => (await told(id)).length === 0);
  expect(await countDispatches(pool)).toBe(dispatches);
  await recordOutcomes(pool, live, [{ ...outcome, progress: null, kind: 'succeeded', result: '{}' }]);
  expect(await told(id)).toEqual(['task.succeeded']);
  // And as if it had been killed after the record: the delivery has its dispatch, for whoever comes.
  expect(await countDispatches(pool)).toBe(dispatches + 1);
});
