import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { STATES } from '../../../../core/states.ts';
import type { Task } from '../../../../store/tasks/tasks.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { finished, inState } from '../../../support/tasks.ts';
import { stepOf } from '../../workflows/workflows.ts';
import { expectError, expectRefused, ledgerRow } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';
import { freshStep, pathOf, registerShop, SAID, shopRegistry, startShop } from '../shop.ts';

// Specification W5: an operator says what a step came to.

const { pool } = await createDatabase();
await registerShop(pool);
const api = await startApi(pool, { registry: shopRegistry });
const guarded = await startApi(pool, { registry: shopRegistry, authenticate: authenticateByWords });

const resolve = (task: Task, resolution_data: unknown) =>
  api.call('PATCH', pathOf(task), { resolution_data, ...SAID });
const asState = (task: Task, state: string) =>
  pool.query('update errand.tasks set state = $2 where id = $1', [task.id, state]);

test('a failed step that is resolved has its workflow go on with what was said, to its end', async () => {
  await startShop(pool);
  const waiting = await freshStep(pool, 'pay', { fail: ['pay'] });
  const id = waiting.parent_id ?? '';
  await finished(pool, id);
  const { status, body } = await resolve(waiting, { paid: 42 });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    id: waiting.id,
    step: 'pay',
    state: 'resolved',
    error: null,
    result: {
      success: true,
      result: { paid: 42 },
      message: 'Manually resolved by ann',
      retryable: false,
      metadata: { resolved_at: expect.any(String), resolution_reason: 'Paid in cash' },
    },
    attempts: [{ attempt: 1, outcome: 'failed' }],
    workflow: null,
  });
  expect(await inState(pool, id, 'succeeded')).toMatchObject({ result: { paid: 42, gift: false } });
});

test.each(['failed', 'waiting', 'scheduled', 'queued'])('a %s step can be resolved', async (state) => {
  const step = await freshStep(pool, 'reserve');
  await asState(step, state);
  const { status, body } = await resolve(step, { value: 3 });
  expect([status, body.state, body.result.result]).toEqual([200, 'resolved', { value: 3 }]);
});

test.each(STATES.filter((state) => !['failed', 'waiting', 'scheduled', 'queued'].includes(state)))(
  'a %s step can not, and stays as it is',
  async (state) => {
    const step = await freshStep(pool, 'reserve');
    await asState(step, state);
    const before = await ledgerRow(pool, step.id);
    const refusal = { status: 400, code: 'BAD_REQUEST' };
    // Not even with a result that would not do.
    for (const data of [{ value: 3 }, 'no']) {
      const answer = await expectRefused(api, pool, () => resolve(step, data), refusal);
      expect(answer.body.error).toMatch(
        new RegExp(
          `^Step cannot be manually resolved: it (is|has|was) ${state}. Only a step that has failed or has not started can be resolved$`,
        ),
      );
    }
    expect(await ledgerRow(pool, step.id)).toEqual(before);
  },
);

test.each(['cancelled', 'succeeded'])('nor can one whose workflow %s', async (state) => {
  const step = await freshStep(pool, 'pay');
  await pool.query('update errand.tasks set state = $2 where id = $1', [step.parent_id, state]);
  const refusal = { status: 400, code: 'BAD_REQUEST' };
  const answer = await expectRefused(api, pool, () => resolve(step, { paid: 1 }), refusal);
  expect(answer.body.error).toMatch(
    new RegExp(`^Step cannot be manually resolved: its workflow (has|was) ${state}$`),
  );
});

test('a step of another task, or of none, is 404', async () => {
  const [step, other] = [await freshStep(pool, 'gift'), await freshStep(pool, 'gift')];
  for (const [task, id] of [
    [other.parent_id, step.id],
    [step.parent_id, randomUUID()],
    [randomUUID(), step.id],
  ]) {
    const send = () =>
      api.call('PATCH', `/v1/tasks/${task}/workflow_steps/${id}`, { resolution_data: 1, ...SAID });
    await expectRefused(api, pool, send, { status: 404, code: 'NOT_FOUND' });
  }
});

test('it takes the scope to operate, in the namespace of the workflow', async () => {
  const step = await freshStep(pool, 'gift');
  const send = (who: string, path = pathOf(step)) =>
    guarded.call('PATCH', path, { resolution_data: 1, ...SAID }, as(who));
  for (const who of ['ann of shop may read,submit', 'ann of mail', 'ann of mail,example']) {
    expectError(await send(who), { status: 403, code: 'FORBIDDEN' });
  }
  // What she may see she may be told about.
  const nothing = `/v1/tasks/${step.parent_id}/workflow_steps/${randomUUID()}`;
  expectError(await send('ann of shop', nothing), { status: 404, code: 'NOT_FOUND' });
  expect((await stepOf(pool, step.parent_id ?? '', 'gift')).state).toBe('waiting');
  expect((await send('ann of shop may operate')).status).toBe(200);
});

test('the audit trail says who did it, for whom, what was before and why', async () => {
  const step = await freshStep(pool, 'gift');
  const headers = { ...as('bob of *'), 'x-request-id': 'resolve-1' };
  await guarded.call('PATCH', pathOf(step), { resolution_data: 1, ...SAID }, headers);
  const { body } = await guarded.call('GET', `/v1/audit?task_id=${step.id}`, undefined, as('bob of *'));
  expect(body.entries).toMatchObject([
    {
      action: 'resolve',
      actor: 'user:bob',
      task_id: step.id,
      namespace: 'shop',
      target: 'shop.order.gift',
      reason: 'Paid in cash',
      request_id: 'resolve-1',
      details: { state: 'waiting', resolved_by: 'ann' },
    },
  ]);
});

test('of many at once one wins, and the others are told so', async () => {
  const step = await freshStep(pool, 'gift');
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => resolve(step, n)));
  const [winner, ...losers] = answers.toSorted((a, b) => a.status - b.status);
  expect(winner?.status).toBe(200);
  for (const loser of losers) {
    expectError(loser, { status: 400, code: 'BAD_REQUEST' });
    expect(loser.body.error).toMatch(/^Step cannot be manually resolved: it was resolved/);
  }
  expect((await ledgerRow(pool, step.id)).result).toEqual(winner?.body.result);
});
