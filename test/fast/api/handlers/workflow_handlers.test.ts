import { expect, test } from 'vitest';
import { createRegistry } from '../../../../core/registry.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { fakeRunner } from '../explaining.ts';
import { order, registerShop, shopRegistry } from '../shop.ts';

// Specification R7: a registered workflow shows its graph. Each answer is held against the document.

const { pool } = await createDatabase();
await registerShop(pool);
const api = await startApi(pool, { registry: shopRegistry });
/** Has none of the definitions: only runners do. */
const unknowing = await startApi(pool, { registry: createRegistry([]) });

const PLAIN = { conditional: false, kind: 'handler', child: null };
const STEPS = [
  { step: 'reserve', after: [], ...PLAIN },
  { step: 'pay', after: ['reserve'], ...PLAIN },
  { step: 'mails', after: ['reserve'], conditional: false, kind: 'map', child: 'mail.send' },
  { step: 'gift', after: ['pay'], ...PLAIN, conditional: true },
  { step: 'close', after: ['pay', 'mails', 'gift'], ...PLAIN },
  { step: 'on_failure', after: [], ...PLAIN },
].map((step) => ({ ...step, name: `shop.order.${step.step}` }));

test('a workflow has its steps, in the order of its definition, also where only runners have that', async () => {
  for (const one of [api, unknowing]) {
    const { status, body } = await one.call('GET', '/v1/handlers/shop/order');
    expect(status).toBe(200);
    expect(body).toMatchObject({ name: 'shop.order', workflow: null, result_schema: order.resultJsonSchema });
    expect(body.steps).toEqual(STEPS);
  }
});

test('any other task has none', async () => {
  const { body } = await api.call('GET', '/v1/handlers/mail/send');
  expect(body).toMatchObject({ steps: null, workflow: null });
});

test('lists leave steps out, because nobody can submit them', async () => {
  const all = await api.call('GET', '/v1/handlers');
  const names: string[] = all.body.handlers.map(({ name }: { name: string }) => name);
  expect(names).toContain('shop.order');
  expect(names.filter((name) => name.startsWith('shop.order.'))).toEqual([]);
  const { body } = await api.call('GET', '/v1/handlers/shop');
  expect(body.handlers).toMatchObject([{ name: 'shop.order', steps: STEPS }]);
});

test('a step is read by its name: its policy, its schemas, its workflow, and who can execute it', async () => {
  const id = await fakeRunner(pool, { names: ['shop.order', 'shop.order.pay'] });
  for (const [one, description] of [
    [api, 'The step pay of shop.order'],
    [unknowing, null],
  ] as const) {
    const { status, body } = await one.call('GET', '/v1/handlers/shop/order.pay');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'shop.order.pay',
      namespace: 'shop',
      description,
      workflow: 'shop.order',
      steps: null,
      policy: { max_attempts: 1 },
      result_schema: { properties: { paid: { type: 'number', minimum: 0 } } },
      runners: [{ id }],
    });
  }
  // It is no name to go for in a mistake.
  const mistyped = await api.call('GET', '/v1/handlers/shop/order.pai');
  expect(mistyped.status).toBe(404);
  expect(mistyped.text).not.toContain('shop.order.pay');
});

test('a step can be paused by its name', async () => {
  const { status, body } = await api.call('PUT', '/v1/queues/shop.order.gift/pause');
  expect([status, body.paused]).toEqual([200, true]);
  const step = await api.call('GET', '/v1/handlers/shop/order.gift');
  expect(step.body.pauses).toMatchObject([{ target: 'shop.order.gift' }]);
});
