import { expect, test } from 'vitest';
import type { State } from '../../../../core/states.ts';
import type { Task } from '../../../../store/tasks/tasks.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { finished, submitOne } from '../../../support/tasks.ts';
import { childrenOf, stepOf, submitWorkflow } from '../../workflows/workflows.ts';
import { expectRefused, ledgerRow } from '../ledger.ts';
import { mail, order, registerShop, shopRegistry, startShop } from '../shop.ts';

// Cancelling and retrying workflows and steps over HTTP; what it does to them is in test/fast/workflows.

const { pool } = await createDatabase();
await registerShop(pool);
const api = await startApi(pool, { registry: shopRegistry });
const retry = (id: string) => api.call('PATCH', `/v1/tasks/${id}/retry`);
const cancel = (id: string) => api.call('DELETE', `/v1/tasks/${id}`);
const PAYLOAD = { value: 1, mails: 1, fail: [] };
const BAD = { status: 400, code: 'BAD_REQUEST' } as const;

async function setState({ id }: { id: string }, state: State): Promise<void> {
  await pool.query('update errand.tasks set state = $2 where id = $1', [id, state]);
}

/** A step that has failed, of a workflow in this state. */
async function failedStep(ofWorkflow: State): Promise<Task> {
  const workflow = await submitWorkflow(pool, order, PAYLOAD);
  const step = await stepOf(pool, workflow.id, 'reserve');
  await setState(step, 'failed');
  await setState(workflow, ofWorkflow);
  return step;
}

test('a workflow that is cancelled is so with its steps, and goes on with them when it is retried', async () => {
  const { id } = await submitWorkflow(pool, order, PAYLOAD);
  const cancelled = await cancel(id);
  expect(cancelled.body).toMatchObject({
    task: { state: 'cancelled', children: 6 },
    message: 'Task cancelled',
  });
  expect(new Set(Object.values(await childrenOf(pool, id)))).toEqual(new Set(['cancelled 1']));
  const retried = await retry(id);
  expect(retried.body.task).toMatchObject({ id, state: 'running' });
  expect(retried.body.message).toMatch(
    /^The parts of the task that failed, expired or were cancelled are queued again: attempt \d of 25$/,
  );
  await startShop(pool);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('a step that was cancelled before its turn waits for it again', async () => {
  const { id } = await submitWorkflow(pool, order, PAYLOAD);
  const close = await stepOf(pool, id, 'close');
  expect((await cancel(close.id)).body.task).toMatchObject({ state: 'cancelled', step: 'close' });
  const { body } = await retry(close.id);
  expect(body.task).toMatchObject({ state: 'waiting', step: 'close', parent_id: id });
  expect(body.message).toBe('The task waits again for the steps before it: attempt 1 of 25');
});

test.each(['succeeded', 'cancelled', 'resolved'] as const)(
  'no step is retried by itself when its workflow is %s, and the answer says why',
  async (state) => {
    const step = await failedStep(state);
    const before = await ledgerRow(pool, step.id);
    const answer = await expectRefused(api, pool, () => retry(step.id), BAD);
    expect(answer.body.error).toMatch(
      new RegExp(`^Task cannot be retried: its workflow (has|was) ${state}$`),
    );
    expect(await ledgerRow(pool, step.id)).toEqual(before);
  },
);

test('nor is what a step has made, however far up the end is', async () => {
  const workflow = await submitWorkflow(pool, order, PAYLOAD);
  const mails = await stepOf(pool, workflow.id, 'mails');
  const child = await submitOne(pool, { name: mail.name, payload: { text: 'a' }, parentId: mails.id });
  await setState(child, 'failed');
  await setState(mails, 'failed');
  await setState(workflow, 'cancelled');
  const { body } = await expectRefused(api, pool, () => retry(child.id), BAD);
  expect(body.error).toBe('Task cannot be retried: the task that it is a part of was cancelled');
  await setState(mails, 'succeeded');
  const again = await expectRefused(api, pool, () => retry(child.id), BAD);
  expect(again.body.error).toBe('Task cannot be retried: the task that it is a part of has succeeded');
});

test('a step of a workflow that has failed is retried, and one that has succeeded is not for its own sake', async () => {
  const step = await failedStep('failed');
  expect((await retry(step.id)).body).toMatchObject({ task: { state: 'queued' } });
  const other = await failedStep('succeeded');
  await setState(other, 'succeeded');
  const answer = await expectRefused(api, pool, () => retry(other.id), BAD);
  expect(answer.body.error).toBe(
    'Task cannot be retried: it has succeeded. Only a failed, cancelled or expired task can be retried',
  );
});

test('a step that has ended with its workflow can not be cancelled, and the answer names both', async () => {
  const step = await failedStep('cancelled');
  const answer = await expectRefused(api, pool, () => cancel(step.id), BAD);
  expect(answer.body.error).toBe('Task cannot be cancelled: it has failed, and its workflow was cancelled');
  const open = await failedStep('running');
  const alone = await expectRefused(api, pool, () => cancel(open.id), BAD);
  expect(alone.body.error).toBe('Task cannot be cancelled: it has failed');
});
