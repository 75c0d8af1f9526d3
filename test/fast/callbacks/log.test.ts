import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { deleteExpired } from '../../../store/attempts/retention.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions, ownDefinitions } from '../../../tasks/index.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask, retryTask } from '../../support/operator.ts';
import { submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { as, authenticateByWords } from '../api/principals.ts';
import { answering, deliveriesDone, deliveriesOf, startDelivering, startReceiver } from './receiver.ts';

// What was sent, and what came of it: read and sent again.

const { pool } = await createDatabase();
const api = await startApi(pool);
const guarded = await startApi(pool, { authenticate: authenticateByWords });
await registerDefinitions(pool, [...definitions, ...ownDefinitions]);
beforeEach(async () => {
  await pool.query(
    `delete from errand.tasks; delete from errand_worker._private_jobs; delete from errand.audit`,
  );
});
const NOBODY = 'http://127.0.0.1:9/';

/** A task that has ended, with a callback. */
async function ended(callbackUrl: string | null, name = 'example.echo'): Promise<string> {
  const { id } = await submitOne(pool, { name, payload: { message: 'a' }, callbackUrl });
  await cancelTask(pool, id);
  return id;
}

/** The only delivery of a task so far. */
async function deliveryOf(id: string): Promise<string> {
  const [delivery] = await deliveriesOf(pool, id);
  if (delivery === undefined) throw new Error(`${id} has no delivery`);
  return delivery.id;
}

const resendPath = (id: string, delivery: string) => `/v1/tasks/${id}/deliveries/${delivery}/resend`;

test('the log has each attempt with its status and its time, and when the next one is due', async () => {
  const receiver = await startReceiver(answering(503, 200));
  const id = await ended(receiver.url);
  const runner = await startDelivering(pool, { backoffMs: 30_000 });
  const log = () => api.call('GET', `/v1/tasks/${id}/deliveries`);
  const { body } = await until('it backs off', async () => {
    const answer = await log();
    return answer.body.deliveries[0].state === 'retrying' && answer;
  });
  const [row] = await deliveriesOf(pool, id);
  const failed = {
    attempt: 1,
    outcome: 'failed',
    started_at: expect.any(String),
    finished_at: expect.any(String),
    duration_ms: expect.any(Number),
    status: 503,
    error: expect.objectContaining({ error_code: 'UNEXPECTED_STATUS', stack: null }),
  };
  const delivery = {
    id: row?.id,
    message_id: row?.message_id,
    type: 'task.cancelled',
    url: receiver.url,
    created_at: expect.any(String),
  };
  expect(body).toEqual({
    deliveries: [{ ...delivery, state: 'retrying', next_attempt_at: expect.any(String), attempts: [failed] }],
    is_truncated: false,
  });
  const { finished_at, duration_ms } = body.deliveries[0].attempts[0];
  expect(Date.parse(body.deliveries[0].next_attempt_at) - Date.parse(finished_at)).toBeGreaterThan(29_000);
  expect(duration_ms).toBeLessThan(15_000);
  await runner.stop();
  // It is sent by another one beside it.
  expect(await api.call('POST', resendPath(id, delivery.id ?? ''))).toMatchObject({ status: 201 });
  await startDelivering(pool);
  await until('it is taken', async () => (await log()).body.deliveries[0].state === 'succeeded');
  expect((await log()).body.deliveries).toMatchObject([
    {
      message_id: row?.message_id,
      next_attempt_at: null,
      attempts: [{ attempt: 1, outcome: 'succeeded', status: 200, error: null }],
    },
    { ...delivery, state: 'retrying', attempts: [{ attempt: 1 }] },
  ]);
});

test('a task without a callback has no deliveries, and one that there is not is 404', async () => {
  const empty = { status: 200, body: { deliveries: [], is_truncated: false } };
  expect(await api.call('GET', `/v1/tasks/${await ended(null)}/deliveries`)).toMatchObject(empty);
  expect((await api.call('GET', `/v1/tasks/${randomUUID()}/deliveries`)).status).toBe(404);
});

test('an attempt without an answer has no status', async () => {
  const id = await ended('http://10.0.0.1/');
  await startDelivering(pool, { allowPrivate: false });
  await deliveriesDone(pool, id, 1);
  const { body } = await api.call('GET', `/v1/tasks/${id}/deliveries`);
  expect(body.deliveries).toMatchObject([
    {
      state: 'failed',
      attempts: [{ outcome: 'failed', status: null, error: { error_code: 'PRIVATE_TARGET' } }],
    },
  ]);
});

test('the deliveries of a task that has ended more than once are newest first, and no more than 100', async () => {
  const id = await ended(NOBODY);
  for (let end = 0; end < 100; end++) {
    await retryTask(pool, id);
    await cancelTask(pool, id);
  }
  const { body } = await api.call('GET', `/v1/tasks/${id}/deliveries`);
  const ids: string[] = body.deliveries.map((one: { id: string }) => one.id);
  expect(ids).toEqual(
    (await deliveriesOf(pool, id))
      .map((one) => one.id)
      .reverse()
      .slice(0, 100),
  );
  expect(body.is_truncated).toBe(true);
  expect(new Set(body.deliveries.map((one: { message_id: string }) => one.message_id)).size).toBe(100);
});

test('a message that is sent again has the same id and body, and it is known who wanted it', async () => {
  const receiver = await startReceiver();
  const id = await ended(receiver.url);
  await startDelivering(pool);
  const [first] = await deliveriesDone(pool, id, 1);
  const path = `${resendPath(id, String(first?.id))}?reason=lost`;
  const headers = as('ann of example');
  const { status, body } = await guarded.call('POST', path, undefined, headers);
  expect([status, body.message_id]).toEqual([201, first?.message_id]);
  const rows = await deliveriesDone(pool, id, 2);
  expect(rows.map((row) => row.message_id)).toEqual([first?.message_id, first?.message_id]);
  expect(rows[1]?.id).toBe(body.delivery_id);
  const [one, other] = receiver.received();
  expect(other?.headers['webhook-id']).toBe(one?.headers['webhook-id']);
  expect(other?.body).toBe(one?.body);
  const audit = await pool.query(
    `select actor, action, task_id, namespace, target, reason, details from errand.audit where action = 'resend'`,
  );
  expect(audit.rows).toEqual([
    {
      actor: 'user:ann',
      action: 'resend',
      task_id: id,
      namespace: 'example',
      target: 'example.echo',
      reason: 'lost',
      details: { delivery_id: first?.id, resent_as: body.delivery_id },
    },
  ]);
  // As with other tasks of Errand's own, who wanted it sees it; nobody had wanted the first one.
  const seen = await Promise.all(
    rows.map((row) => guarded.call('GET', `/v1/tasks/${row.id}`, undefined, headers)),
  );
  expect(seen.map((answer) => answer.status)).toEqual([404, 200]);
});

test('what is about to be sent is not sent beside it, and what is no delivery of the task not at all', async () => {
  const id = await ended(NOBODY);
  const delivery = await deliveryOf(id);
  expect(await api.call('POST', resendPath(id, delivery))).toMatchObject({
    status: 409,
    body: { error: `The delivery ${delivery} is queued: wait until it has been sent` },
  });
  const other = await ended(NOBODY);
  for (const wrong of [randomUUID(), id, await deliveryOf(other)])
    expect((await api.call('POST', resendPath(id, wrong))).status).toBe(404);
  expect(await deliveriesOf(pool, id)).toHaveLength(1);
  expect((await pool.query(`select 1 from errand.audit where action = 'resend'`)).rowCount).toBe(0);
});

test('deliveries are read and sent again by who may do so with the task', async () => {
  const id = await ended(NOBODY);
  const delivery = await deliveryOf(id);
  await cancelTask(pool, delivery);
  const asks = async (words: string) => [
    (await guarded.call('GET', `/v1/tasks/${id}/deliveries`, undefined, as(words))).status,
    (await guarded.call('POST', resendPath(id, delivery), undefined, as(words))).status,
  ];
  expect(await asks('bob of text')).toEqual([404, 403]);
  expect(await asks('bob of webhook')).toEqual([404, 403]);
  expect(await asks('ann of example may read')).toEqual([200, 403]);
  expect(await deliveriesOf(pool, id)).toHaveLength(1);
  expect(await asks('ann of example')).toEqual([200, 201]);
  expect(await asks('ann of *')).toEqual([200, 201]);
});

test('a delivery that is still tried outlives its task', async () => {
  const receiver = await startReceiver();
  const id = await ended(receiver.url);
  await pool.query(`update errand.tasks set finished_at = now() - interval '2 hours' where id = $1`, [id]);
  expect(await deleteExpired(pool, { finished: 1, failed: 1 }, 10)).toBe(1);
  await startDelivering(pool);
  const [delivery] = await deliveriesDone(pool, id, 1);
  expect(receiver.received()).toMatchObject([{ message: { data: { id } } }]);
  expect((await api.call('GET', `/v1/tasks/${id}/deliveries`)).status).toBe(404);
  // It leaves by its own time.
  await pool.query(`update errand.tasks set finished_at = now() - interval '2 hours'`);
  expect(await deleteExpired(pool, { finished: 1, failed: 1 }, 10)).toBe(1);
  expect((await api.call('GET', `/v1/tasks/${delivery?.id}`)).status).toBe(404);
});
