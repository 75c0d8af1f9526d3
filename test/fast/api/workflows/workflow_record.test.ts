import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { finished } from '../../../support/tasks.ts';
import { stepOf } from '../../workflows/workflows.ts';
import { mail, order, registerShop, shopRegistry, startShop } from '../shop.ts';

// Specification R1: of a workflow the record has the graph. Each answer is held against the document.

const { pool } = await createDatabase();
await registerShop(pool);
const api = await startApi(pool, { registry: shopRegistry });

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const EDGES = [
  { from: 'reserve', to: 'pay' },
  { from: 'reserve', to: 'mails' },
  { from: 'pay', to: 'gift' },
  { from: 'pay', to: 'close' },
  { from: 'mails', to: 'close' },
  { from: 'gift', to: 'close' },
];
const STEPS = ['reserve', 'pay', 'mails', 'gift', 'close', 'on_failure'];

// biome-ignore lint/suspicious/noExplicitAny: tests look into it, and assert what they find
async function submit(payload: object): Promise<any> {
  const { status, body } = await api.call('POST', '/v1/tasks/shop.order', { payload });
  expect(status).toBe(201);
  return body.task;
}

// biome-ignore lint/suspicious/noExplicitAny: the same
async function read(id: string): Promise<any> {
  const { status, body } = await api.call('GET', `/v1/tasks/${id}`);
  expect(status).toBe(200);
  return body;
}

test('a workflow that was submitted has all its steps at once, in the order of the definition', async () => {
  const task = await submit({ value: 5 });
  expect(task).toMatchObject({ state: 'running', parent_id: null, step: null, skipped: false, children: 6 });
  const { workflow } = await read(task.id);
  expect(workflow.nodes.map(({ step }: { step: string }) => step)).toEqual(STEPS);
  expect(workflow.edges).toEqual(EDGES);
  expect(workflow.critical_path).toEqual([]);
  expect(workflow.nodes[0]).toEqual({
    id: expect.any(String),
    step: 'reserve',
    name: 'shop.order.reserve',
    state: 'queued',
    skipped: false,
    after: [],
    attempt: 1,
    max_attempts: 25,
    children: null,
    created_at: expect.stringMatching(TIME),
    run_at: expect.stringMatching(TIME),
    started_at: null,
    finished_at: null,
    duration_ms: null,
    error_message: null,
  });
  expect(workflow.nodes[4]).toMatchObject({ state: 'waiting', after: ['pay', 'mails', 'gift'] });
});

test('the order is that of the definition, whatever the ids are', async () => {
  const { id } = await submit({ value: 6 });
  await pool.query(
    `update errand.tasks set id = errand.uuidv7() where parent_id = $1 and step in ('reserve', 'mails')`,
    [id],
  );
  const { workflow } = await read(id);
  expect(workflow.nodes.map(({ step }: { step: string }) => step)).toEqual(STEPS);
});

test('one that is done tells what each step came to, what was skipped, and what it waited for', async () => {
  const runner = await startShop(pool);
  const { id } = await submit({ value: 7 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { paid: 7, gift: false } });
  await runner.stop();
  const { workflow, result } = await read(id);
  expect(result).toEqual({ paid: 7, gift: false });
  const done = { state: 'succeeded', skipped: false, duration_ms: expect.any(Number) };
  expect(workflow.nodes).toMatchObject([
    { step: 'reserve', ...done, children: null },
    { step: 'pay', ...done },
    { step: 'mails', ...done, children: 2 },
    { step: 'gift', ...done, skipped: true },
    { step: 'close', ...done },
    { step: 'on_failure', state: 'succeeded', skipped: true, started_at: null, duration_ms: null },
  ]);
  const path: string[] = workflow.critical_path;
  expect([path[0], path.at(-1)]).toEqual(['reserve', 'close']);
  // Each comes after the one before it.
  for (const [index, to] of path.slice(1).entries()) expect(EDGES).toContainEqual({ from: path[index], to });
});

test('one that failed tells where, and what was done about it', async () => {
  const runner = await startShop(pool);
  const { id } = await submit({ value: 8, fail: ['pay'] });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed', error: { error_code: 'STEP_FAILED' } });
  await runner.stop();
  const { workflow } = await read(id);
  expect(workflow.nodes[1]).toMatchObject({ step: 'pay', state: 'failed', error_message: 'card declined' });
  expect(workflow.nodes[4]).toMatchObject({ step: 'close', state: 'waiting' });
  expect(workflow.nodes[5]).toMatchObject({ step: 'on_failure', state: 'succeeded', skipped: false });
  expect(workflow.critical_path.at(-1)).toBe('on_failure');
  const long = 'x'.repeat(5_000);
  await pool.query(
    `update errand.tasks set error = jsonb_set(error, '{message}', to_jsonb($2::text)) where parent_id = $1 and step = 'pay'`,
    [id, long],
  );
  expect((await read(id)).workflow.nodes[1].error_message).toBe(long.slice(0, 1_000));
});

test('a step, what it has made, and a plain task have no graph, and say what they are a part of', async () => {
  const runner = await startShop(pool);
  const { id } = await submit({ value: 9, mails: 3 });
  await finished(pool, id);
  await runner.stop();
  const mails = await stepOf(pool, id, 'mails');
  expect(await read(mails.id)).toMatchObject({ parent_id: id, step: 'mails', children: 3, workflow: null });
  const { body } = await api.call('GET', `/v1/tasks?parent_id=${mails.id}`);
  expect(body.tasks).toHaveLength(3);
  const [one] = body.tasks;
  expect(one).toMatchObject({
    name: mail.name,
    parent_id: mails.id,
    step: null,
    children: null,
    skipped: false,
  });
  expect(await read(one.id)).toMatchObject({ parent_id: mails.id, step: null, workflow: null });
  const plain = await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'plain' } });
  expect(await read(plain.body.task.id)).toMatchObject({ parent_id: null, workflow: null, children: null });
});

test('the document has the path of a workflow as that of any task', async () => {
  const { text } = await api.call('GET', '/openapi.yaml');
  const { paths, components } = parse(text);
  const { post } = paths['/v1/tasks/shop.order'];
  expect(components.schemas['shop.order.submission'].examples).toEqual([{ payload: order.example }]);
  expect(post.summary).toBe(order.description);
  expect(components.schemas['shop.order.payload']).toEqual(order.payloadJsonSchema);
  expect(components.schemas['shop.order.result']).toEqual(order.resultJsonSchema);
  expect(Object.keys(paths).filter((path) => path.startsWith('/v1/tasks/shop.order'))).toEqual([
    '/v1/tasks/shop.order',
    '/v1/tasks/shop.order/batch',
  ]);
  expect(Object.keys(components.schemas).filter((name) => name.startsWith('shop.order.'))).toHaveLength(3);
});
