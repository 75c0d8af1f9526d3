import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registryWith, textTask } from '../definitions.ts';
import { expectRefused } from '../ledger.ts';

const { pool } = await createDatabase();
const registry = registryWith(
  textTask('dedup.by_payload', { dedup: { strategy: 'payload' } }),
  textTask('dedup.by_payload_too', { dedup: { strategy: 'payload' } }),
  textTask('dedup.by_key', { dedup: { strategy: 'key' } }),
  textTask('dedup.none', { dedup: { strategy: 'none' } }),
);
const api = await startApi(pool, { registry });

type Options = Record<string, unknown>;

async function submit(name: string, text: string, options: Options = {}, headers = {}): Promise<string> {
  const answer = await api.call(
    'POST',
    `/v1/tasks/dedup.${name}`,
    { payload: { text }, ...options },
    headers,
  );
  expect(answer.status).toBe(answer.body.created ? 201 : 200);
  return answer.body.task.id;
}

test('payload: the same name and payload is the same task, another payload another', async () => {
  const id = await submit('by_payload', 'a');
  expect(await submit('by_payload', 'a')).toBe(id);
  expect(await submit('by_payload', 'b')).not.toBe(id);
});

test('payload: the same payload under two names is two tasks', async () => {
  expect(await submit('by_payload', 'same')).not.toBe(await submit('by_payload_too', 'same'));
});

test('payload: neither the order of keys nor the way they are written matters', async () => {
  const send = (text: string) => api.call('POST', '/v1/tasks/example.echo', text);
  const first = await send('{"payload":{"message":"é","count":2}}');
  const second = await send('{ "payload" : { "count": 2.0, "message": "\\u00e9" } }');
  expect(first.status).toBe(201);
  expect(second.status).toBe(200);
  expect(second.body.task.id).toBe(first.body.task.id);
  const nested = (order: string) =>
    `{"payload":{"method":"POST","url":"https://example.com/","json":${order}},"dedup":"payload"}`;
  const path = '/v1/tasks/http.request';
  const one = await api.call('POST', path, nested('{"a":{"x":1,"y":[1,2]},"b":null}'));
  const two = await api.call('POST', path, nested('{"b":null,"a":{"y":[1,2],"x":1}}'));
  const three = await api.call('POST', path, nested('{"b":null,"a":{"y":[2,1],"x":1}}'));
  expect(two.body.task.id).toBe(one.body.task.id);
  expect(three.body.task.id).not.toBe(one.body.task.id);
});

test('key: the same dedup_key is the same task, whatever the payload', async () => {
  const id = await submit('by_key', 'a', { dedup_key: 'k1' });
  expect(await submit('by_key', 'b', { dedup_key: 'k1' })).toBe(id);
  expect(await submit('by_key', 'a', { dedup_key: 'k2' })).not.toBe(id);
  const read = await api.call('GET', `/v1/tasks/${id}`);
  expect(read.body.payload).toEqual({ text: 'a' });
});

test('key: the same key under two names is two tasks', async () => {
  const id = await submit('by_key', 'a', { dedup_key: 'shared' });
  expect(await submit('none', 'a', { dedup_key: 'shared' })).not.toBe(id);
});

test('key: without a key it is refused at every route', async () => {
  const message = expect.stringMatching(/is required: send dedup_key, or an Idempotency-Key header/);
  const refusal = { status: 400, code: 'VALIDATION_FAILED', details: [{ path: '/body/dedup_key', message }] };
  const body = { payload: { text: 'a' } };
  await expectRefused(api, pool, () => api.call('POST', '/v1/tasks/dedup.by_key', body), refusal);
  const named = { name: 'dedup.by_key', ...body };
  await expectRefused(api, pool, () => api.call('POST', '/v1/tasks', named), refusal);
  const batch = await api.call('POST', '/v1/tasks/dedup.by_key/batch', { items: [body] });
  expect(batch.body.items).toEqual([
    { created: false, errors: [{ path: '/body/items/0/dedup_key', message }] },
  ]);
});

test('key: the Idempotency-Key header is a key too', async () => {
  const headers = { 'idempotency-key': 'from the header' };
  const id = await submit('by_key', 'a', {}, headers);
  expect(await submit('by_key', 'a', {}, headers)).toBe(id);
});

test('none: every submission is a new task', async () => {
  expect(await submit('none', 'a')).not.toBe(await submit('none', 'a'));
});

test('a submission may ask for another strategy than its definition', async () => {
  const byPayload = await submit('none', 'asked', { dedup: 'payload' });
  expect(await submit('none', 'asked', { dedup: 'payload' })).toBe(byPayload);
  expect(await submit('none', 'asked')).not.toBe(byPayload);
  const first = await submit('by_payload', 'asked');
  expect(await submit('by_payload', 'asked', { dedup: 'none' })).not.toBe(first);
  const byKey = await submit('by_payload', 'asked', { dedup: 'key', dedup_key: 'k' });
  expect(byKey).not.toBe(first);
  expect(await submit('by_payload', 'else', { dedup: 'key', dedup_key: 'k' })).toBe(byKey);
});

test('a key that comes along is used without asking', async () => {
  const id = await submit('by_payload', 'one', { dedup_key: 'brought' });
  expect(await submit('by_payload', 'two', { dedup_key: 'brought' })).toBe(id);
});

test('dedup key without a key, and an unknown strategy, are refused', async () => {
  const send = (dedup: string) => () =>
    api.call('POST', '/v1/tasks/dedup.none', { payload: { text: 'a' }, dedup });
  await expectRefused(api, pool, send('key'), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [{ path: '/body/dedup_key', message: expect.stringMatching(/is required/) }],
  });
  await expectRefused(api, pool, send('sometimes'), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [
      {
        path: '/body/dedup',
        message:
          'must be equal to one of the allowed values: payload, key, none, definition, got "sometimes"',
      },
    ],
  });
});

test('a key can not pass for a payload, nor a payload for a key', async () => {
  const id = await submit('by_payload', 'x');
  expect(await submit('by_payload', 'y', { dedup_key: '{"text": "x"}' })).not.toBe(id);
});
