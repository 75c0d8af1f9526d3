import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';
import { stepOf, submitWorkflow } from '../../workflows/workflows.ts';
import { expectError, expectRefused } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';
import { mail, order, registerShop, shopRegistry } from '../shop.ts';

// Specification W3: the steps of a workflow; a step of another task is 404. R12: nobody puts or enqueues one.

const { pool } = await createDatabase();
await registerShop(pool);
const api = await startApi(pool, { registry: shopRegistry });
const guarded = await startApi(pool, { registry: shopRegistry, authenticate: authenticateByWords });
const stepsOf = (id: string) => api.call('GET', `/v1/tasks/${id}/workflow_steps`);

/** One whose first two steps have succeeded, whose third has made its mails; and one that has not begun. */
const begun = await submitWorkflow(pool, order, { value: 1, mails: 3, fail: [] });
await pool.query(
  `update errand.tasks
      set state = 'succeeded', started_at = now(), finished_at = now(), result = '{"paid":1}'
    where parent_id = $1 and step in ('reserve', 'pay')`,
  [begun.id],
);
const mails = await stepOf(pool, begun.id, 'mails');
for (const n of [0, 1, 2]) {
  await submitOne(pool, { name: mail.name, payload: { text: `mail ${n}` }, parentId: mails.id });
}
const fresh = await submitWorkflow(pool, order, { value: 1, mails: 3, fail: [] });
const plain = await submitOne(pool, { name: 'example.echo', payload: { message: 'plain' } });

test('the steps are those of the record, in its order', async () => {
  const { status, body } = await stepsOf(begun.id);
  const record = await api.call('GET', `/v1/tasks/${begun.id}`);
  expect([status, body.is_truncated]).toEqual([200, false]);
  expect(body.steps).toEqual(record.body.workflow.nodes);
  expect(body.steps).toHaveLength(6);
});

test('what a step has made is listed in its order; a task that is made of nothing has none', async () => {
  const { body } = await stepsOf(mails.id);
  expect(body.steps).toMatchObject(
    Array.from({ length: 3 }, () => ({ step: null, after: null, name: mail.name, state: 'queued' })),
  );
  const payloads = await Promise.all(
    body.steps.map(async ({ id }: { id: string }) => (await api.call('GET', `/v1/tasks/${id}`)).body.payload),
  );
  expect(payloads).toEqual([{ text: 'mail 0' }, { text: 'mail 1' }, { text: 'mail 2' }]);
  expect((await stepsOf(plain.id)).body).toEqual({ steps: [], is_truncated: false });
});

test('of more than 1,000 the first are listed, and it says that there are more', async () => {
  const { id } = await submitOne(pool, { name: mail.name, payload: { text: 'many' } });
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, parent_id)
     select 'mail.send', '1', 'queued', 0, 1, now(), '{}', $1 from generate_series(1, 1001)`,
    [id],
  );
  const { body } = await stepsOf(id);
  expect([body.steps.length, body.is_truncated]).toEqual([1_000, true]);
  const ids = body.steps.map((step: { id: string }) => step.id);
  expect(ids).toEqual(ids.toSorted());
});

test('a step is read as the task that it is', async () => {
  const pay = await stepOf(pool, begun.id, 'pay');
  const step = await api.call('GET', `/v1/tasks/${begun.id}/workflow_steps/${pay.id}`);
  expect(step.status).toBe(200);
  expect(step.body).toEqual((await api.call('GET', `/v1/tasks/${pay.id}`)).body);
  expect(step.body).toMatchObject({ step: 'pay', result: { paid: 1 }, attempts: [{ outcome: 'succeeded' }] });
  const [first] = (await stepsOf(mails.id)).body.steps;
  const child = await api.call('GET', `/v1/tasks/${mails.id}/workflow_steps/${first.id}`);
  expect(child.body).toMatchObject({ id: first.id, payload: { text: 'mail 0' } });
});

test('there are no steps of what is not there, and no step of another task', async () => {
  const nowhere = randomUUID();
  expectError(await stepsOf(nowhere), { status: 404, code: 'NOT_FOUND' });
  const pay = await stepOf(pool, begun.id, 'pay');
  const [child] = (await stepsOf(mails.id)).body.steps;
  for (const [task, step] of [
    [fresh.id, pay.id],
    [nowhere, pay.id],
    [begun.id, nowhere],
    [begun.id, begun.id],
    [begun.id, plain.id],
    // That of a step of it is not its own.
    [begun.id, child.id],
    [pay.id, begun.id],
  ]) {
    const answer = await api.call('GET', `/v1/tasks/${task}/workflow_steps/${step}`);
    expectError(answer, { status: 404, code: 'NOT_FOUND' });
    expect(answer.body.error).toBe(
      `The task ${task} has no step ${step}: see GET /v1/tasks/{id}/workflow_steps`,
    );
  }
  for (const path of [`${begun.id}/workflow_steps/pay`, 'shop.order/workflow_steps']) {
    expectError(await api.call('GET', `/v1/tasks/${path}`), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: 'some',
    });
  }
});

test('a caller sees of it what is in its namespaces', async () => {
  const [child] = (await stepsOf(mails.id)).body.steps;
  const of = (who: string, path: string) => guarded.call('GET', `/v1/tasks/${path}`, undefined, as(who));
  const steps = `${mails.id}/workflow_steps`;
  expect((await of('ann of shop,mail', steps)).body.steps).toHaveLength(3);
  expect((await of('ann of shop', steps)).body).toEqual({ steps: [], is_truncated: false });
  expect((await of('ann of shop', `${begun.id}/workflow_steps`)).body.steps).toHaveLength(6);
  for (const [who, path] of [
    ['ann of mail', steps],
    ['ann of mail', `${begun.id}/workflow_steps`],
    ['ann of mail', `${steps}/${child.id}`],
    ['ann of shop', `${steps}/${child.id}`],
  ] as const) {
    expectError(await of(who, path), { status: 404, code: 'NOT_FOUND' });
  }
  // By itself it is hers.
  expect((await of('ann of mail', child.id)).status).toBe(200);
});

test('nobody submits a step by its name, however it is asked for', async () => {
  const payload = { value: 1 };
  for (const name of ['shop.order.pay', 'shop.order.on_failure']) {
    for (const [path, body] of [
      [`/v1/tasks/${name}`, { payload }],
      [`/v1/tasks/${name}/batch`, { items: [{ payload }] }],
      ['/v1/tasks', { name, payload }],
      ['/v1/tasks', { name: name.slice('shop.'.length), namespace: 'shop', payload }],
    ] as const) {
      const refusal = { status: 404, code: 'NOT_FOUND', details: 'some' } as const;
      const answer = await expectRefused(api, pool, () => api.call('POST', path, body), refusal);
      // It is no task that anybody could mean, but its workflow is.
      expect(answer.body.details[0].message).toBe('shop.order');
    }
  }
});

test('a step is neither put nor posted, nor are the steps of a task', async () => {
  const pay = await stepOf(pool, fresh.id, 'pay');
  const steps = `/v1/tasks/${fresh.id}/workflow_steps`;
  const body = { state: 'succeeded', result: { paid: 1 } };
  for (const [path, methods] of [
    [`${steps}/${pay.id}`, ['PUT', 'POST', 'DELETE']],
    [steps, ['PUT', 'POST', 'PATCH', 'DELETE']],
    [`/v1/tasks/${pay.id}`, ['PUT', 'PATCH']],
  ] as const) {
    for (const method of methods) {
      const refusal = { status: 405, code: 'METHOD_NOT_ALLOWED' };
      await expectRefused(api, pool, () => api.call(method, path, body), refusal);
    }
  }
  // Neither state nor result is anybody's to set.
  await expectRefused(api, pool, () => api.call('PATCH', `${steps}/${pay.id}`, body), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: 'some',
  });
  expect(await stepOf(pool, fresh.id, 'pay')).toEqual(pay);
});
