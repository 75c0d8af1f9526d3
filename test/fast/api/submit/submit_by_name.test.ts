import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectError, expectRefused, ledgerRow } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

const submit = (body: Record<string, unknown>, headers?: Record<string, string>) =>
  api.call('POST', '/v1/tasks', body, headers);

test('the whole name, and name and namespace apart or both, are the same task', async () => {
  const payload = { message: 'one task' };
  const whole = await submit({ name: 'example.echo', payload });
  expect(whole.status).toBe(201);
  expect(whole.headers.get('location')).toBe(`/v1/tasks/${whole.body.task.id}`);
  const apart = await submit({ name: 'echo', namespace: 'example', payload });
  const both = await submit({ name: 'example.echo', namespace: 'example', payload });
  for (const { status, body } of [apart, both]) {
    expect({ status, id: body.task.id, name: body.task.name }).toEqual({
      status: 200,
      id: whole.body.task.id,
      name: 'example.echo',
    });
  }
});

test('context is another word for payload', async () => {
  const byContext = await submit({ name: 'example.echo', context: { message: 'by context' } });
  expect(byContext.status).toBe(201);
  expect(byContext.body.task.payload).toEqual({ message: 'by context' });
  const byPayload = await submit({ name: 'example.echo', payload: { message: 'by context' } });
  expect(byPayload.body).toMatchObject({ created: false, task: { id: byContext.body.task.id } });
});

test('payload and context together are refused', async () => {
  const body = { name: 'example.echo', payload: { message: 'a' }, context: { message: 'a' } };
  await expectRefused(api, pool, () => submit(body), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [{ path: '/body/context', message: 'must not be combined with payload, got {"message":"a"}' }],
  });
});

test('neither payload nor context is refused', async () => {
  await expectRefused(api, pool, () => submit({ name: 'example.echo' }), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [{ path: '/body/payload', message: 'is required' }],
  });
});

test('what is wrong in the context is told where it is', async () => {
  const send = () => submit({ name: 'example.echo', context: { message: 5, extra: true } });
  await expectRefused(api, pool, send, {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [
      { path: '/body/context/message', message: 'must be string, got 5' },
      { path: '/body/context/extra', message: 'is not a known property, got true' },
    ],
  });
});

test('without a name it is refused, with everything that is wrong about the name', async () => {
  await expectRefused(api, pool, () => submit({ payload: { message: 'a' }, namespace: 5 }), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [
      { path: '/body/name', message: 'is required' },
      { path: '/body/namespace', message: 'must be string, got 5' },
    ],
  });
});

test('an unknown name is 404 with the names that are close', async () => {
  const answer = await expectRefused(api, pool, () => submit({ name: 'example.ecko', payload: {} }), {
    status: 404,
    code: 'NOT_FOUND',
    details: 'some',
  });
  expect(answer.body.error).toMatch(/no task "example\.ecko": did you mean example\.echo/);
  expect(answer.body.details[0]).toEqual({ path: '/body/name', message: 'example.echo' });
});

test('a namespace that is not that of the name is 404', async () => {
  const answer = await submit({ name: 'example.echo', namespace: 'text', payload: { message: 'a' } });
  expectError(answer, { status: 404, code: 'NOT_FOUND', details: 'some' });
  expect(answer.body.error).toContain('"text.example.echo"');
});

test('it takes every option that the path of the task takes', async () => {
  const options = {
    version: '1.0.0',
    priority: 5,
    delay_seconds: 60,
    dedup_key: 'by name',
    dedup_window_seconds: 60,
    tags: ['t'],
    initiator: 'ann',
    source_system: 'crm',
    reason: 'asked',
    max_attempts: 2,
  };
  const { status, body } = await submit({ name: 'example.echo', payload: { message: 'a' }, ...options });
  expect(status).toBe(201);
  const { delay_seconds: _, dedup_window_seconds: __, ...shown } = options;
  expect(body.task).toMatchObject({ ...shown, state: 'scheduled' });
  expect((await ledgerRow(pool, body.task.id)).dedup_until).not.toBeNull();
});

test('it takes an Idempotency-Key', async () => {
  const headers = { 'idempotency-key': 'by name 1' };
  const first = await submit({ name: 'example.sleep', payload: { ms: 1 } }, headers);
  const again = await submit({ name: 'example.sleep', payload: { ms: 1 } }, headers);
  const other = await submit({ name: 'example.sleep', payload: { ms: 2 } }, headers);
  expect([first.status, again.status, other.status]).toEqual([201, 200, 409]);
  expect(again.body.task.id).toBe(first.body.task.id);
});
