import { expect, test } from 'vitest';
import type { Principal } from '../../../../api/auth/principal.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { ownDefinitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { registryWith, textTask } from '../definitions.ts';
import { fakeRunner, noRunners } from '../explaining.ts';

const { pool } = await createDatabase();
const dotted = textTask('billing.send.by_post', { timeoutMs: 5_000 });
const shadow = textTask('billing.billing.send', {});
const registry = registryWith(dotted, shadow, textTask('billing.send', {}));
/** Registered by runners alone. */
const unknown = textTask('mail.send', {});
await registerDefinitions(pool, [...registry.definitions, unknown, ...ownDefinitions]);
const api = await startApi(pool, { registry });

const namesOf = (body: { handlers: { name: string }[] }): string[] => body.handlers.map(({ name }) => name);

function as(...namespaces: string[]): ReturnType<typeof startApi> {
  const principal: Principal = { actor: 'key:b', namespaces, scopes: new Set(['read']) };
  return startApi(pool, { registry, authenticate: async () => principal });
}

test('all that is registered is listed by name, with schemas, policy and who can execute it', async () => {
  const { id } = await startTestRunner(pool);
  const { status, body } = await api.call('GET', '/v1/handlers');
  expect(status).toBe(200);
  const names = [...registry.definitions, unknown, ...ownDefinitions].map(({ name }) => name).sort();
  expect(namesOf(body)).toEqual(names);
  const one = body.handlers.find(({ name }: { name: string }) => name === 'text.count_words');
  const definition = registry.get('text.count_words');
  expect(one).toEqual({
    name: 'text.count_words',
    namespace: 'text',
    owner: null,
    version: definition?.version,
    description: definition?.description,
    payload_schema: definition?.payloadJsonSchema,
    result_schema: definition?.resultJsonSchema,
    policy: {
      max_attempts: 25,
      backoff: { initial_ms: 1_000, factor: 2, max_ms: 600_000, jitter: 0.2 },
      timeout_ms: 3_600_000,
      priority: 0,
      dedup: { strategy: 'payload' },
    },
    steps: null,
    workflow: null,
    schema_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    registered_at: expect.stringMatching(/Z$/),
    pauses: [],
    runners: [{ id, host: expect.any(String), pid: process.pid, version: definition?.version }],
    live_runners: 1,
    // Looked at beside the answer.
    waiting: expect.toBeOneOf([null, expect.any(Object)]),
  });
});

test('one is read by what follows its namespace, or by all of its name', async () => {
  for (const path of ['send.by_post', 'billing.send.by_post']) {
    const { status, body } = await api.call('GET', `/v1/handlers/billing/${path}`);
    expect([status, body.name, body.policy.timeout_ms]).toEqual([200, 'billing.send.by_post', 5_000]);
    expect(body.result_schema).toBeNull();
  }
  // What could be both is what follows.
  const { body } = await api.call('GET', '/v1/handlers/billing/billing.send');
  expect(body.name).toBe('billing.billing.send');
  const alien = await api.call('GET', '/v1/handlers/mail/send');
  expect(alien.body).toMatchObject({ name: 'mail.send', description: null });
});

test('tasks that wait and do not fit are counted and named, of what the API has a definition for', async () => {
  const [misfit] = await submit(
    pool,
    { name: 'text.count_words', payload: { words: 'no such thing' }, delayMs: 60_000 },
    { name: 'text.count_words', payload: { text: 'a b' }, delayMs: 60_000 },
    { name: 'text.count_words', payload: {}, version: '99.0.0', delayMs: 60_000 },
  );
  const fresh = await startApi(pool);
  const waiting = await until('the tasks were looked at', async () => {
    const { status, body } = await fresh.call('GET', '/v1/handlers/text/count_words');
    expect(status).toBe(200);
    return body.waiting;
  });
  expect(waiting).toEqual({
    ...{ looked_at: 3, is_bounded: false, misfits: 1, misfit_ids: [misfit?.id], newer: 1 },
    checked_at: expect.stringMatching(/Z$/),
  });
  const alien = await fresh.call('GET', '/v1/handlers/mail/send');
  expect(alien.body.waiting).toBeNull();
});

test('a namespace is listed alone', async () => {
  const { status, body } = await api.call('GET', '/v1/handlers/billing');
  expect(status).toBe(200);
  expect(namesOf(body)).toEqual(['billing.billing.send', 'billing.send', 'billing.send.by_post']);
});

test('runners count as long as their lease holds; many are counted, and the newest named', async () => {
  await noRunners(pool);
  const read = async (): Promise<{ runners: { id: number }[]; live_runners: number }> =>
    (await api.call('GET', '/v1/handlers/mail/send')).body;
  expect(await read()).toMatchObject({ runners: [], live_runners: 0 });
  const first = await fakeRunner(pool, { names: ['mail.send', 'mail.send'] });
  const late = await fakeRunner(pool, { names: ['mail.send'], ago: 700 });
  await fakeRunner(pool, { names: ['text.count_words'] });
  expect(await read()).toMatchObject({
    runners: [{ id: first, host: 'elsewhere', pid: 7, version: null }],
    live_runners: 1,
  });
  for (let count = 0; count < 100; count++) await fakeRunner(pool, { names: ['mail.send'] });
  const many = await read();
  expect(many.live_runners).toBe(101);
  expect(many.runners).toHaveLength(100);
  const ids = many.runners.map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted((a, b) => b - a));
  expect(ids).not.toContain(first);
  expect(ids).not.toContain(late);
});

test('what is paused says so, by its name and its namespace', async () => {
  await api.call('PUT', '/v1/queues/mail/pause?reason=moving');
  const paused = await api.call('PUT', '/v1/queues/mail.send/pause');
  const { body } = await api.call('GET', '/v1/handlers/mail/send');
  expect(body.pauses).toEqual([
    { target: 'mail', paused_at: expect.stringMatching(/Z$/), actor: 'anonymous', reason: 'moving' },
    paused.body.pause,
  ]);
});

test('what nobody has registered is 404, with what looks like it', async () => {
  const mistyped = await api.call('GET', '/v1/handlers/billing/sent');
  expect(mistyped).toMatchObject({
    status: 404,
    body: {
      code: 'NOT_FOUND',
      error: expect.stringMatching(/^No task "billing\.sent" is registered: did you mean billing\.send/),
      details: expect.arrayContaining([{ path: '/path', message: 'billing.send' }]),
    },
  });
  const namespace = await api.call('GET', '/v1/handlers/biling');
  expect(namespace.status).toBe(404);
  expect(namespace.body.details).toEqual([{ path: '/path', message: 'billing' }]);
  const nothing = await api.call('GET', '/v1/handlers/xxxxxxxxxxxxxxxxxxxxxxx');
  expect(nothing).toMatchObject({
    status: 404,
    body: { error: expect.stringMatching(/see GET \/v1\/handlers$/) },
  });
  expect(nothing.body.details).toBeUndefined();
  // The name of another namespace is not one of this.
  expect((await api.call('GET', '/v1/handlers/mail/billing.send')).status).toBe(404);
});

test('a caller sees its namespaces, and of others not even names that look alike', async () => {
  const foreign = await as('mail', 'errand');
  expect(namesOf((await foreign.call('GET', '/v1/handlers')).body)).toEqual(['mail.send']);
  for (const path of ['billing', 'billing/send', 'errand', 'errand/bulk']) {
    const { status, text } = await foreign.call('GET', `/v1/handlers/${path}`);
    expect([path, status]).toEqual([path, 404]);
    expect(text).not.toMatch(/by_post|billing\.billing|did you mean (billing|errand)/);
  }
  expect((await foreign.call('GET', '/v1/handlers/mail/send')).status).toBe(200);
  expect((await (await as()).call('GET', '/v1/handlers')).body).toEqual({ handlers: [] });
  expect(namesOf((await api.call('GET', '/v1/handlers/errand')).body)).toEqual(['errand.bulk']);
});
