import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { authenticator, claims, makeKey, makePair, sign, TRUST } from '../auth/keys.ts';
import { hmac, SECRETS, SENDERS } from '../webhooks/webhook_senders.ts';

// Who submitted a task, as Errand knows it: what callers say of themselves is `initiator`.

const { pool } = await createDatabase();
const rights = { namespaces: ['*'], scopes: ['read', 'submit', 'operate'] };
const { key, entry } = makeKey('ci', rights);
const pair = makePair();
const authenticate = await authenticator({
  ...TRUST,
  API_KEYS: JSON.stringify([entry]),
  JWT_PUBLIC_KEY: pair.pem,
});
const api = await startApi(pool, { authenticate, config: testConfig(SENDERS) });
const open = await startApi(pool);
const asKey = { 'x-api-key': key };
const token = await sign(pair.privateKey, claims({ worker_namespaces: '*', scope: 'read submit' }));
const asToken = { authorization: `Bearer ${token}` };
const ECHO = '/v1/tasks/example.echo';
let count = 0;
const echo = () => ({ payload: { message: `by somebody ${++count}` }, initiator: 'who I say that I am' });

async function submitterOf(id: string): Promise<unknown> {
  const record = (await api.call('GET', `/v1/tasks/${id}`, undefined, asKey)).body;
  return record.submitted_by;
}

test('it is the API key, the subject of the token, nobody in particular, or the sender of a webhook', async () => {
  const byKey = await api.call('POST', ECHO, echo(), asKey);
  expect(byKey.body.task).toMatchObject({ submitted_by: 'key:ci', initiator: 'who I say that I am' });
  const byToken = await api.call('POST', '/v1/tasks', { name: 'example.echo', ...echo() }, asToken);
  expect(byToken.body.task.submitted_by).toBe('user:alice');
  const batch = await api.call('POST', `${ECHO}/batch`, { items: [echo()] }, asToken);
  expect(await submitterOf(batch.body.items[0].id)).toBe('user:alice');
  expect((await open.call('POST', ECHO, echo())).body.task.submitted_by).toBe('anonymous');
  const body = JSON.stringify({ reading: 1 });
  const signed = {
    'content-type': 'application/json',
    'X-Meter-Id': 'one',
    'X-Meter-Event': 'first',
    'X-Meter-Signature': `v1=${hmac(SECRETS.meter, body, 'base64')}`,
  };
  const sent = await api.call('POST', '/v1/webhooks/meter', body, signed);
  expect(await submitterOf(sent.body.task.id)).toBe('webhook:meter');
});

test('steps are submitted by their workflow, a bulk operation by the operator', async () => {
  const whole = await api.call('POST', '/v1/tasks/example.diamond', { payload: { number: 1 } }, asKey);
  const { id } = whole.body.task;
  const { body } = await api.call('GET', `/v1/tasks?parent_id=${id}`, undefined, asKey);
  expect(body.tasks.map((one: { submitted_by: string }) => one.submitted_by)).toEqual(
    Array.from({ length: body.total }, () => `task:${id}`),
  );
  const bulk = { filter: { name: 'example.sleep' }, per_second: 1 };
  const answer = await api.call('POST', '/v1/tasks/cancel', bulk, asKey);
  expect(answer.body.task.submitted_by).toBe('key:ci');
});

test('lists are narrowed to it', async () => {
  const { id } = (await api.call('POST', ECHO, { ...echo(), tags: ['mine'] }, asKey)).body.task;
  await api.call('POST', ECHO, { ...echo(), tags: ['mine'] }, asToken);
  const list = async (query: string) =>
    (await api.call('GET', `/v1/tasks?tag=mine&submitted_by=${query}`, undefined, asKey)).body.tasks.map(
      (one: { id: string }) => one.id,
    );
  expect(await list('key:ci')).toEqual([id]);
  expect(await list('key:c')).toEqual([]);
  expect(await list('who%20I%20say%20that%20I%20am')).toEqual([]);
});
