import { Webhook } from 'standardwebhooks';
import { beforeEach, expect, test } from 'vitest';
import type { SigningSecret } from '../../../config/webhook_secrets.ts';
import { loadHandlers } from '../../../runner/builtin/registered_handlers.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { getTask } from '../../../store/tasks/tasks.ts';
import { loadHandler } from '../../../tasks/handlers.ts';
import { definitions } from '../../../tasks/index.ts';
import { deliver } from '../../../tasks/webhook.deliver.task.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, inState, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import {
  answering,
  deliveriesDone,
  deliveriesOf,
  type Received,
  secretOf,
  startDelivering,
  startReceiver,
} from './receiver.ts';

// What is sent, checked by a receiver with the package that receivers use.

const { pool } = await createDatabase();
const api = await startApi(pool);
await registerDefinitions(pool, definitions);
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

/** A task that has ended, with a callback. */
async function ended(callbackUrl: string, name = 'example.echo'): Promise<string> {
  const { id } = await submitOne(pool, { name, payload: { message: 'a' }, callbackUrl });
  await cancelTask(pool, id);
  return id;
}

const general = (character: string): SigningSecret => ({ namespace: null, secret: secretOf(character) });

/** Whether a receiver that knows one secret takes the message. */
function accepts(secret: string, { body, headers }: Received): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

test('a receiver verifies the signature, of this body, id and time and no other', async () => {
  const receiver = await startReceiver();
  const id = await ended(receiver.url);
  await startDelivering(pool);
  await deliveriesDone(pool, id, 1);
  const [received] = receiver.received() as [Received];
  expect(new Webhook(secretOf('a')).verify(received.body, received.headers)).toEqual(received.message);
  expect(accepts(secretOf('b'), received)).toBe(false);
  expect(accepts(secretOf('a'), { ...received, body: `${received.body} ` })).toBe(false);
  for (const [header, other] of [
    ['webhook-id', 'msg_other'],
    ['webhook-timestamp', String(Number(received.headers['webhook-timestamp']) + 1)],
  ]) {
    const headers = { ...received.headers, [String(header)]: String(other) };
    expect(accepts(secretOf('a'), { ...received, headers })).toBe(false);
  }
  expect(receiver.requests[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'errand',
  });
});

test('while secrets change, receivers that know the old or the new one both verify it', async () => {
  const receiver = await startReceiver();
  const id = await ended(receiver.url);
  await startDelivering(pool, { secrets: [general('n'), general('o')] });
  await deliveriesDone(pool, id, 1);
  const [received] = receiver.received() as [Received];
  expect(received.headers['webhook-signature'].split(' ')).toHaveLength(2);
  expect(['n', 'o', 'x'].map((known) => accepts(secretOf(known), received))).toEqual([true, true, false]);
});

test('a namespace with secrets of its own is signed for with these alone', async () => {
  const receiver = await startReceiver();
  const own = { namespace: 'text', secret: secretOf('t') };
  const ids = [await ended(receiver.url), await ended(receiver.url, 'text.count_words')];
  await startDelivering(pool, { secrets: [general('g'), own] });
  for (const id of ids) await deliveriesDone(pool, id, 1);
  for (const received of receiver.received()) {
    const isOwn = received.message.data.namespace === 'text';
    expect(accepts(secretOf('t'), received)).toBe(isOwn);
    expect(accepts(secretOf('g'), received)).toBe(!isOwn);
  }
});

test('it holds the task as the API shows it, without the payload, as it was when it ended', async () => {
  const receiver = await startReceiver();
  const { id } = await submitOne(pool, {
    name: 'example.echo',
    payload: { message: 'ä "quoted" \\ \u2028' },
    callbackUrl: receiver.url,
    tags: ['a', 'b'],
    initiator: 'ann',
    dedup: { dedup: 'key', key: 'k' },
    reason: 'why',
  });
  // One that can't deliver.
  await startTestRunner(pool, {
    registeredHandlers: await loadHandlers(pool, definitions, ({ name }) => loadHandler(name)),
  });
  await finished(pool, id);
  const { body: record } = await api.call('GET', `/v1/tasks/${id}`);
  const {
    payload: _payload,
    attempts: _attempts,
    attempts_total: _total,
    workflow: _workflow,
    ...task
  } = record;
  // Whatever becomes of it.
  await pool.query(`update errand.tasks set result = '"other"' where id = $1`, [id]);
  await startDelivering(pool);
  await deliveriesDone(pool, id, 1);
  const [{ message } = { message: null }] = receiver.received();
  expect(message).toEqual({
    type: 'task.succeeded',
    timestamp: task.finished_at,
    data: { ...task, result_truncated: false },
  });
});

test.each([
  ['at most 256 KiB', 262_100, false],
  ['more', 262_200, true],
])('a result of %s: left out is %s', async (_what, length, isTruncated) => {
  const receiver = await startReceiver();
  const { id } = await submitOne(pool, {
    name: 'example.echo',
    payload: { message: 'a' },
    callbackUrl: receiver.url,
  });
  const result = { text: 'x'.repeat(length) };
  await pool.query(
    `update errand.tasks set state = 'succeeded', finished_at = now(), dispatch_id = null, result = $2 where id = $1`,
    [id, result],
  );
  await startDelivering(pool);
  await deliveriesDone(pool, id, 1);
  const [{ message } = { message: null }] = receiver.received();
  expect(message.data.result_truncated).toBe(isTruncated);
  expect(message.data.result).toEqual(isTruncated ? null : result);
});

test('it is tried again until it is taken: the same id and body, each time signed again', async () => {
  const receiver = await startReceiver(answering(500, 302, 404, 200));
  const id = await ended(receiver.url);
  await startDelivering(pool);
  const [delivery] = await deliveriesDone(pool, id, 1);
  expect(delivery).toMatchObject({ state: 'succeeded', attempt: 4 });
  const received = receiver.received();
  expect(received).toHaveLength(4);
  expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(
    new Set([delivery?.message_id]),
  );
  expect(new Set(received.map(({ body }) => body)).size).toBe(1);
  for (const one of received) expect(accepts(secretOf('a'), one)).toBe(true);
});

test('the time that is signed is that of the attempt', async () => {
  const receiver = await startReceiver(answering(500, 200));
  const id = await ended(receiver.url);
  const signed = () => receiver.received().map(({ headers }) => Number(headers['webhook-timestamp']));
  await startDelivering(pool, { backoffMs: 1_500 });
  await deliveriesDone(pool, id, 1);
  const [first = 0, second = 0] = signed();
  expect(second).toBeGreaterThan(first);
});

test('by itself it is tried for more than a day, at growing distances', () => {
  const { backoff, maxAttempts } = deliver.policy;
  const delays = Array.from({ length: maxAttempts - 1 }, (_, index) =>
    Math.min(backoff.initialMs * backoff.factor ** index, backoff.maxMs),
  );
  expect(delays[0]).toBe(5_000);
  expect(delays.toSorted((a, b) => a - b)).toEqual(delays);
  const hours = delays.reduce((sum, delay) => sum + delay, 0) / 3_600_000;
  expect(hours).toBeGreaterThan(24);
  expect(hours).toBeLessThan(48);
});

test('Retry-After is heeded', async () => {
  const receiver = await startReceiver(
    (_request, response) => void response.writeHead(503, { 'retry-after': '3600' }).end('later'),
  );
  const id = await ended(receiver.url);
  await startDelivering(pool);
  const [{ id: delivery = '' } = {}] = await until('it backs off', async () => {
    const rows = await deliveriesOf(pool, id);
    return rows[0]?.state === 'retrying' && rows;
  });
  const task = await getTask(pool, delivery);
  const { rows } = await pool.query('select extract(epoch from $1::timestamptz - now())::float8 as seconds', [
    task?.run_at,
  ]);
  expect(rows[0]?.seconds).toBeGreaterThan(3_500);
  expect(task?.error).toMatchObject({
    error_code: 'UNEXPECTED_STATUS',
    metadata: { status: 503, body: 'later' },
  });
});

test('without a secret nothing is sent, and the variable is named, until there is one', async () => {
  const receiver = await startReceiver();
  const id = await ended(receiver.url);
  const runner = await startDelivering(pool, { secrets: [], backoffMs: 1_000 });
  const { error } = await until('it has failed', async () => {
    const [delivery] = await deliveriesOf(pool, id);
    return inState(pool, String(delivery?.id), 'retrying');
  });
  expect(error).toMatchObject({ retryable: true, message: expect.stringContaining('WEBHOOK_SECRETS') });
  await runner.stop();
  expect(receiver.requests).toEqual([]);
  await startDelivering(pool);
  await deliveriesDone(pool, id, 1);
  expect(receiver.requests).toHaveLength(1);
});

test('what becomes of a delivery is told to nobody', async () => {
  const id = await ended('http://127.0.0.1:9/');
  const [delivery] = await deliveriesOf(pool, id);
  await cancelTask(pool, String(delivery?.id));
  expect(await deliveriesOf(pool, id)).toMatchObject([{ state: 'cancelled' }]);
  expect(await deliveriesOf(pool, String(delivery?.id))).toEqual([]);
});
