import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { buildOpenApi } from '../../../../api/openapi/build.ts';
import { answerOf, type Operation } from '../../../../api/openapi/schemas/document.ts';
import { defineTask } from '../../../../core/task.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { withExamples } from '../../contracts/requests.ts';
import { registryWith, textTask } from '../definitions.ts';

const document = buildOpenApi(definitions);
const ajv = new Ajv2020({ strict: false });
formats.default(ajv);
ajv.addSchema({ $id: 'document', components: document.components });

/** A validator for a schema of the document, whose references are to the document. */
const validatorOf = (schema: unknown) =>
  ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')));

function post(path: string): Operation {
  const operation = document.paths[path]?.post;
  if (operation === undefined) throw new Error(`nothing is posted to ${path}`);
  return operation;
}

function bodyOf(path: string) {
  const { requestBody } = post(path);
  const { schema, example } =
    (requestBody && withExamples(document, requestBody))?.content['application/json'] ?? {};
  return { schema, example, accepts: validatorOf(schema) };
}

test.each(definitions.map(({ name }) => name))(
  '%s has its own path, whose schema accepts its own example',
  (name) => {
    const definition = definitions.find((one) => one.name === name);
    const { schema, example, accepts } = bodyOf(`/v1/tasks/${name}`);
    expect(schema).toEqual({ $ref: `#/components/schemas/${name}.submission` });
    expect(example).toEqual({ payload: definition?.example });
    expect(accepts(example)).toBe(true);
    expect(document.components.schemas[`${name}.payload`]).toMatchObject({
      type: 'object',
      properties: expect.anything(),
    });
  },
);

test.each(definitions.map(({ name }) => name))(
  '%s accepts neither another payload nor unknown fields',
  (name) => {
    const { example, accepts } = bodyOf(`/v1/tasks/${name}`);
    const { payload } = example as { payload: object };
    expect(accepts({})).toBe(false);
    expect(accepts({ payload: 'text' })).toBe(false);
    expect(accepts({ payload: { ...payload, surely_unknown: 1 } })).toBe(false);
    expect(accepts({ payload, surely_unknown: 1 })).toBe(false);
    expect(accepts({ payload, priority: 'high' })).toBe(false);
  },
);

test.each(definitions.map(({ name }) => name))(
  '%s has a path for batches, whose schema accepts its example',
  (name) => {
    const { example, accepts } = bodyOf(`/v1/tasks/${name}/batch`);
    expect(accepts(example)).toBe(true);
    expect(accepts({ items: [] })).toBe(false);
    expect(accepts({ items: [{}] })).toBe(false);
  },
);

test('the path for any task has an example that it accepts', () => {
  const { example, accepts } = bodyOf('/v1/tasks');
  expect(accepts(example)).toBe(true);
  expect(accepts({ payload: {} })).toBe(false);
});

test('answers are typed per task: the result is that of its definition', () => {
  const answer = answerOf(document, ['/v1/tasks/example.echo', 'post'], 201);
  const accepts = validatorOf(answer?.content?.['application/json']?.schema);
  const task = {
    id: '019c0000-0000-7000-8000-000000000000',
    name: 'example.echo',
    namespace: 'example',
    version: '1.0.0',
    state: 'succeeded',
    priority: 0,
    attempt: 1,
    max_attempts: 25,
    created_at: '2026-01-01T00:00:00.000Z',
    run_at: '2026-01-01T00:00:00.000Z',
    started_at: '2026-01-01T00:00:00.000Z',
    finished_at: '2026-01-01T00:00:00.000Z',
    runner_id: 1,
    crashes: 0,
    cancel_requested_at: null,
    progress: null,
    progress_note: null,
    error: null,
    dedup: 'payload',
    dedup_key: null,
    debounced: null,
    tags: [],
    initiator: null,
    source_system: null,
    reason: null,
    request_id: null,
    traceparent: null,
    callback_url: null,
    parent_id: null,
    step: null,
    skipped: false,
    children: null,
    payload: { message: 'a' },
    result: { messages: ['a'] },
  };
  const of = (result: unknown) => ({
    task: { ...task, result },
    created: true,
    outcome: 'created',
    message: 'm',
    estimated_completion: null,
  });
  expect(accepts(of(task.result))).toBe(true);
  expect(accepts(of(null))).toBe(true);
  expect(accepts(of({ messages: [5] }))).toBe(false);
  expect(accepts(of({ other: 1 }))).toBe(false);
});

test('names that make the same identifier get different ones', () => {
  const names = ['a.b_c', 'a_b.c', 'a.b.c', 'a.b-c', 'a.b.c.batch'];
  const built = buildOpenApi(names.map((name) => textTask(name, {})));
  const ids = Object.values(built.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[A-Za-z][A-Za-z0-9_]*$/);
});

test('a new definition is in the document, is validated by it and works, with nothing else to be changed', async () => {
  const { pool } = await createDatabase();
  const invoice = defineTask({
    name: 'billing.send_invoice',
    version: '2',
    description: 'For this test',
    payload: z.object({
      invoice_id: z.int().positive(),
      to: z.email(),
      copies: z.tuple([z.string(), z.int()]).optional(),
    }),
    result: z.object({ sent: z.boolean() }),
    example: { invoice_id: 1, to: 'ann@example.com' },
  });
  const api = await startApi(pool, { registry: registryWith(invoice) });
  expect((await api.call('GET', '/openapi.yaml')).text).toContain('operationId: submitBillingSendInvoice\n');
  const send = (payload: unknown) => api.call('POST', '/v1/tasks/billing.send_invoice', { payload });
  expect((await send({ invoice_id: 7, to: 'ben@example.com', copies: ['a', 2] })).status).toBe(201);
  const refused = await send({ invoice_id: 0, to: 'nobody', copies: [1], more: 1 });
  expect(refused.body.details.map(({ path }: { path: string }) => path).sort()).toEqual([
    '/body/payload/copies',
    '/body/payload/invoice_id',
    '/body/payload/more',
    '/body/payload/to',
  ]);
});
