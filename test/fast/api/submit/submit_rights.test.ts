import { describe, expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { secretOf } from '../../callbacks/receiver.ts';
import { ledgerRow } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

// What somebody with the scope `submit` alone is told of tasks that others have submitted, and what may be done to these.

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });
await registerDefinitions(pool, definitions);
const OWNER = as('ann of example');
const STRANGER = as('eve of example may submit');
const READER = as('joe of example may submit,read');
const ECHO = '/v1/tasks/example.echo';
const HOOK = 'https://hooks.example.com/told';
let count = 0;

/** A task that ann has submitted, and the same submission by others. */
async function submitted(options: Record<string, unknown> = {}) {
  const body = { payload: { message: `secret ${++count}` }, ...options };
  const first = await api.call('POST', ECHO, body, OWNER);
  expect([first.status, first.body.task.payload]).toEqual([201, body.payload]);
  const again = (who: Record<string, string>, more: Record<string, unknown> = {}) =>
    api.call('POST', ECHO, { ...body, ...more }, who);
  return { id: first.body.task.id as string, again };
}

async function end(id: string, state: string): Promise<void> {
  await pool.query(
    `update errand.tasks
        set state = $2, dispatch_id = null, started_at = now(), finished_at = now(), result = '{"messages":["secret"]}'
      where id = $1`,
    [id, state],
  );
}

/** What the audit trail has of a task. */
async function audited(id: string) {
  const { rows } = await pool.query<{ actor: string; action: string; details: object }>(
    'select actor, action, details from errand.audit where task_id = $1 order by id',
    [id],
  );
  return rows;
}

describe('without the scope read a task is told by its id and its state alone', () => {
  const dedup_key = 'of-ann';
  test.each<[string, string, object]>([
    ['by its path', ECHO, { payload: { message: 'guessed' }, dedup_key }],
    ['and a wait', `${ECHO}?wait=1`, { payload: { message: 'guessed' }, dedup_key }],
    [
      'by a name in the body',
      '/v1/tasks',
      { name: 'example.echo', payload: { message: 'guessed' }, dedup_key },
    ],
  ])('when it is submitted %s', async (_how, path, body) => {
    const { id } = await submitted({ dedup_key });
    await end(id, 'succeeded');
    const answer = await api.call('POST', path, body, STRANGER);
    expect(answer).toMatchObject({ status: 200, body: { created: false } });
    expect(answer.body.task).toEqual({ id, state: 'succeeded' });
    expect(answer.text).not.toContain('secret');
    expect((await api.call('POST', path, body, READER)).body.task.result).toEqual({ messages: ['secret'] });
    await pool.query('update errand.tasks set dedup_hash = null where id = $1', [id]);
  });

  test('also a new one', async () => {
    const answer = await api.call('POST', ECHO, { payload: { message: 'own' } }, STRANGER);
    expect(answer.status).toBe(201);
    expect(Object.keys(answer.body.task)).toEqual(['id', 'state']);
  });

  test('by what an operator does to it', async () => {
    const operator = as('bot of example may operate');
    const { id } = await submitted();
    const cancelled = await api.call('DELETE', `/v1/tasks/${id}`, undefined, operator);
    expect(cancelled.body.task).toEqual({ id, state: 'cancelled' });
    const retried = await api.call('PATCH', `/v1/tasks/${id}/retry`, undefined, operator);
    expect(retried.body.task).toEqual({ id, state: 'queued' });

    const diamond = { payload: { number: 6 } };
    const whole = await api.call('POST', '/v1/tasks/example.diamond', diamond, OWNER);
    const steps = `/v1/tasks/${whole.body.task.id}/workflow_steps`;
    const [step] = (await api.call('GET', steps, undefined, OWNER)).body.steps;
    await end(step.id, 'failed');
    const resolution = { resolution_data: { number: 36 }, resolved_by: 'bot', reason: 'known' };
    const resolved = await api.call('PATCH', `${steps}/${step.id}`, resolution, operator);
    expect(resolved).toMatchObject({ status: 200, body: { id: step.id, state: 'resolved' } });
    expect(Object.keys(resolved.body)).toEqual(['id', 'state']);
  });

  test('unless reads need no credentials', async () => {
    const config = testConfig({ AUTH_READS: 'false' });
    const open = await startApi(pool, { authenticate: authenticateByWords, config });
    const answer = await open.call('POST', ECHO, { payload: { message: 'open' } }, STRANGER);
    expect(answer.body.task.payload).toEqual({ message: 'open' });
  });
});

describe('what an operator has ended', () => {
  test.each([
    ['submit', STRANGER],
    ['submit and read', READER],
  ])('stays so for who may only %s, in a batch too', async (_what, who) => {
    const { id, again } = await submitted();
    await api.call('DELETE', `/v1/tasks/${id}`, undefined, OWNER);
    const before = await ledgerRow(pool, id);
    const answer = await again(who);
    expect(answer).toMatchObject({ status: 200, body: { created: false, task: { id, state: 'cancelled' } } });
    expect(answer.body.message).toMatch(/to run it again needs the scope operate/);
    const items = [{ payload: before.payload }];
    const batch = await api.call('POST', `${ECHO}/batch`, { items }, who);
    expect(batch.body.items).toEqual([{ id, state: 'cancelled', created: false, outcome: 'duplicate' }]);
    expect(await ledgerRow(pool, id)).toEqual(before);
    expect((await audited(id)).map(({ action }) => action)).toEqual(['cancel']);
  });

  test('goes on when an operator submits it again, which the audit trail has', async () => {
    const { id, again } = await submitted();
    await api.call('DELETE', `/v1/tasks/${id}`, undefined, OWNER);
    // Whoever it comes together with.
    const answers = await Promise.all([again(STRANGER), again(OWNER), again(STRANGER)]);
    expect(answers[1]?.body).toMatchObject({ created: false, task: { id, state: 'queued' } });
    expect((await audited(id)).slice(1)).toEqual(
      expect.arrayContaining([{ actor: 'user:ann', action: 'resubmit', details: { state: 'cancelled' } }]),
    );
  });

  test('is also a workflow that has failed because a step of it was cancelled', async () => {
    const body = { payload: { number: 8 } };
    const send = (who: Record<string, string>) => api.call('POST', '/v1/tasks/example.diamond', body, who);
    const { id } = (await send(OWNER)).body.task;
    const step = await pool.query<{ id: string }>(
      `update errand.tasks set state = 'cancelled', dispatch_id = null, finished_at = now()
        where id = (select id from errand.tasks where parent_id = $1 order by id limit 1) returning id`,
      [id],
    );
    await end(id, 'failed');
    expect((await send(STRANGER)).body).toMatchObject({ created: false, task: { id, state: 'failed' } });
    expect((await ledgerRow(pool, String(step.rows[0]?.id))).state).toBe('cancelled');
    expect((await send(OWNER)).body).toMatchObject({ created: false, task: { id, state: 'running' } });
  });

  test('by SQL, too', async () => {
    const { id, again } = await submitted();
    await api.call('DELETE', `/v1/tasks/${id}`, undefined, OWNER);
    const { payload } = await ledgerRow(pool, id);
    const { rows } = await pool.query(`select id, state, created from errand.submit('example.echo', $1)`, [
      payload,
    ]);
    expect(rows).toEqual([{ id, state: 'cancelled', created: false }]);
    expect((await again(OWNER)).body.task.state).toBe('queued');
  });
});

test('what has failed by itself is armed again by whoever may submit, and the audit trail says by whom', async () => {
  const { id, again } = await submitted({ max_attempts: 1 });
  await end(id, 'failed');
  expect((await again(STRANGER)).body.task).toEqual({ id, state: 'queued' });
  expect(await audited(id)).toEqual([
    { actor: 'user:eve', action: 'resubmit', details: { state: 'failed', max_attempts: [1, 2] } },
  ]);
});

test('the end of a task is told to its submitter and to who may read it, never to a stranger', async () => {
  const hooked = await startApi(pool, {
    authenticate: authenticateByWords,
    config: testConfig({ WEBHOOK_SECRETS: secretOf('a') }),
  });
  const { id } = await submitted();
  const { payload } = await ledgerRow(pool, id);
  const send = (who: Record<string, string>) =>
    hooked.call('POST', ECHO, { payload, callback_url: HOOK }, who);
  const asked = await send(STRANGER);
  expect(asked.body.message).toMatch(/Your callback_url will not receive its outcome: .*scope read/);
  expect((await ledgerRow(pool, id)).callback_url).toBeNull();
  await end(id, 'failed');
  await send(STRANGER);
  expect(await ledgerRow(pool, id)).toMatchObject({ state: 'queued', callback_url: null });
  await send(READER);
  expect((await ledgerRow(pool, id)).callback_url).toBe(HOOK);
  expect((await audited(id)).at(-1)).toMatchObject({ actor: 'user:joe', details: { callback_url: HOOK } });

  const own = await submitted();
  const { payload: mine } = await ledgerRow(pool, own.id);
  await hooked.call('POST', ECHO, { payload: mine, callback_url: HOOK }, as('ann of example may submit'));
  expect((await ledgerRow(pool, own.id)).callback_url).toBe(HOOK);
});
