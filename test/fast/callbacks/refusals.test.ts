import { expect, test } from 'vitest';
import { createRegistry } from '../../../core/registry.ts';
import { countWords } from '../../../tasks/text.count_words.task.ts';
import { createDatabase } from '../../support/database.ts';
import { ECHO, echo, HOOK, startCallbacks } from './callbacks.ts';
import { secretOf } from './receiver.ts';

// What callbacks are refused, and why.

const { pool } = await createDatabase();
const api = await startCallbacks(pool, { WEBHOOK_SECRETS: secretOf('a') });
const bare = await startCallbacks(pool, {});
const shop = await startCallbacks(pool, { WEBHOOK_SECRETS: `shop=${secretOf('a')}` });
const inside = await startCallbacks(pool, { WEBHOOK_SECRETS: secretOf('a'), ALLOW_PRIVATE_TARGETS: 'true' });

const WORDS = 'must start with http:// or https://';
test.each([
  ['ftp://hooks.example.com/', 'must match'],
  ['hooks.example.com', 'must match'],
  ['https://', 'must match'],
  ['https://hooks.example.com/a b', 'must match'],
  ['https://hööks.example.com/', 'must match'],
  [5, 'must be string'],
  ['https://[::g]/', 'is not a URL'],
  ['https://:80', 'is not a URL'],
  ['https://ann:secret@hooks.example.com/', 'must not contain credentials'],
  ['https://ann@hooks.example.com/', 'must not contain credentials'],
  [
    'http://127.0.0.1/',
    'is not a public address (loopback): use a public one, or set ALLOW_PRIVATE_TARGETS=true',
  ],
  ['http://0x7f.1/', 'is not a public address (loopback)'],
  ['http://localhost:8080/', 'is not a public address (loopback)'],
  ['http://a.localhost./', 'is not a public address (loopback)'],
  ['http://[::ffff:10.0.0.1]/', 'is not a public address (private)'],
  ['http://192.168.1.1/', 'is not a public address (private)'],
  ['http://169.254.169.254/latest', 'is not a public address (linkLocal)'],
  ['http://[fd00::1]/', 'is not a public address (uniqueLocal)'],
])('the callback %s is refused where it stands: %s', async (url, message) => {
  const single = await api.call('POST', ECHO, echo({ callback_url: url }));
  expect(single).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  expect(single.body.details).toEqual([
    { path: '/body/callback_url', message: expect.stringContaining(message) },
  ]);
  expect(single.text).not.toContain('secret');
  const batch = await api.call('POST', `${ECHO}/batch`, { items: [echo(), echo({ callback_url: url })] });
  expect(batch.body).toMatchObject({ created: 1, invalid: 1 });
  expect(batch.body.items[1].errors).toMatchObject([{ path: '/body/items/1/callback_url' }]);
});

test('a callback that is too long is refused', async () => {
  const callback_url = HOOK.padEnd(2_049, 'a');
  const { body } = await api.call('POST', ECHO, echo({ callback_url }));
  expect(body.details).toMatchObject([
    { path: '/body/callback_url', message: expect.stringContaining('more than 2048 characters') },
  ]);
  const { status } = await api.call('POST', ECHO, echo({ callback_url: HOOK.padEnd(2_048, 'a') }));
  expect(status).toBe(201);
});

test('private addresses are accepted where they may be called', async () => {
  const { status } = await inside.call('POST', ECHO, echo({ callback_url: 'http://127.0.0.1:9/' }));
  expect(status).toBe(201);
});

test('without a secret for the namespace it is refused, and the variable is named', async () => {
  const message = (namespace: string) => `cannot be signed: add a secret for ${namespace} to WEBHOOK_SECRETS`;
  const refused = (namespace: string) => ({
    status: 400,
    body: { details: [{ path: '/body/callback_url', message: message(namespace) }] },
  });
  for (const some of [bare, shop])
    expect(await some.call('POST', ECHO, echo({ callback_url: HOOK }))).toMatchObject(refused('example'));
  expect((await bare.call('POST', ECHO, echo())).status).toBe(201);
  // What a definition asks for is no different.
  const submission = { payload: { n: 1 } };
  expect(await bare.call('POST', '/v1/tasks/shop.telling', submission)).toMatchObject(refused('shop'));
  expect((await shop.call('POST', '/v1/tasks/shop.telling', submission)).status).toBe(201);
});

test.each([
  [`'ftp://a.example.com'`, `callback_url: ${WORDS}`],
  [`'https://'`, `callback_url: ${WORDS}`],
  [`'https://a.example.com/ b'`, `callback_url: ${WORDS}`],
  [`'https://ann:b@a.example.com/'`, 'callback_url: must not contain credentials'],
  [`'https://' || repeat('a', 2048)`, 'callback_url: must have at most 2048 characters'],
])('by SQL the callback %s is refused', async (url, message) => {
  const statement = `select errand.submit('example.echo', '{"message": "sql"}', callback_url => ${url})`;
  await expect(pool.query(statement)).rejects.toMatchObject({
    message: expect.stringContaining(message),
    code: '22023',
  });
});

test('nobody submits a delivery, and nobody defines a task beside it', async () => {
  for (const [path, body] of [
    ['/v1/tasks/webhook.deliver', { payload: {} }],
    ['/v1/tasks', { name: 'webhook.deliver', payload: {} }],
    ['/v1/tasks/webhook.deliver/batch', { items: [{ payload: {} }] }],
  ] as const) {
    expect((await api.call('POST', path, body)).body.code).toBe('NOT_FOUND');
  }
  await expect(pool.query(`select errand.submit('webhook.deliver', '{}')`)).rejects.toThrow(
    'There is no task',
  );
  expect(() => createRegistry([{ ...countWords, name: 'webhook.mine', namespace: 'webhook' }])).toThrow(
    'the namespace webhook is reserved for built-in tasks. Choose another one',
  );
});
