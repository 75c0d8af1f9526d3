import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createRegisteredTasks } from '../../../../api/registered/registered_tasks.ts';
import type { Tasks } from '../../../../api/webhooks/configured.ts';
import {
  requireWebhookTasks,
  type WebhookSources,
  webhookSources,
} from '../../../../api/webhooks/sources.ts';
import { createRegistry, type Registry } from '../../../../core/registry.ts';
import { loadRegistry } from '../../../../tasks/index.ts';
import { counts } from '../../../fast/api/ledger.ts';
import {
  hmac,
  meterHeaders,
  SECRETS,
  SENDERS,
  SOURCES,
  shopHeaders,
} from '../../../fast/api/webhooks/webhook_senders.ts';
import { nested } from '../../../fast/core/arbitraries.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { blocksOf } from '../../../support/checkout/documents.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess } from '../../../support/processes.ts';

// Senders that are configured: any event becomes any task. Reads are open, so that answers have these.
const database = await createDatabase();
const { pool } = database;
const api = await startApi(pool, { config: testConfig({ ...SENDERS, AUTH_READS: 'false' }) });
const SHOP = '/v1/webhooks/shop';
const METER = '/v1/webhooks/meter';
const order = JSON.stringify({ type: 'order.paid', data: { id: 'A-17', count: 2 } });

describe('Standard Webhooks', () => {
  test('an event becomes the task of its rule, with what the event says', async () => {
    const id = `msg_${randomUUID()}`;
    const answer = await api.call('POST', SHOP, order, shopHeaders(order, { id }));
    expect([answer.status, answer.body]).toMatchObject([
      201,
      {
        created: true,
        task: {
          name: 'example.echo',
          payload: { message: 'A-17', count: 2 },
          initiator: 'webhook:shop',
          submitted_by: 'webhook:shop',
          source_system: 'shop',
          dedup_key: `webhook:shop:${id}`,
        },
      },
    ]);
    const again = await api.call('POST', SHOP, order, shopHeaders(order, { id }));
    expect([again.status, again.body.created, again.body.task.id]).toEqual([200, false, answer.body.task.id]);
  });

  test('what the event does not have is left out, and what it has may be the whole payload', async () => {
    const bare = JSON.stringify({ type: 'order.paid', data: { id: 'A-18' } });
    const { body } = await api.call('POST', SHOP, bare, shopHeaders(bare));
    expect(body.task.payload).toEqual({ message: 'A-18' });
    const counted = JSON.stringify({ type: 'order.counted', data: { text: 'two words' } });
    const { body: other } = await api.call('POST', SHOP, counted, shopHeaders(counted));
    expect(other.task).toMatchObject({ name: 'text.count_words', payload: { text: 'two words' } });
  });

  test('an event that makes no payload is 400, with where in the event', async () => {
    const before = await counts(pool);
    for (const [event, path] of [
      [{ type: 'order.paid', data: { id: 17 } }, '/body/data/id'],
      [{ type: 'order.paid', data: { id: 'a', count: 'many' } }, '/body/data/count'],
      [{ type: 'order.paid', data: {} }, '/body/data/id'],
      [{ type: 'order.counted', data: { text: 7 } }, '/body/data/text'],
      [{ type: 'order.counted' }, '/body/data'],
    ] as const) {
      const body = JSON.stringify(event);
      const answer = await api.call('POST', SHOP, body, shopHeaders(body));
      expect([answer.status, answer.body.code]).toEqual([400, 'VALIDATION_FAILED']);
      expect(answer.body.details.map((one: { path: string }) => one.path)).toEqual([path]);
    }
    expect(await counts(pool)).toEqual(before);
  });

  test('an event without a rule is ignored', async () => {
    for (const event of [{ type: 'order.lost' }, { type: 7 }, {}, []]) {
      const body = JSON.stringify(event);
      const answer = await api.call('POST', SHOP, body, shopHeaders(body));
      expect([answer.status, answer.body]).toEqual([
        202,
        { ignored: true, reason: expect.stringMatching(/no rule/) },
      ]);
    }
  });

  const minutesAgo = (minutes: number) => ({ at: new Date(Date.now() - minutes * 60_000) });

  test.each<[string, Record<string, string>]>([
    ['six minutes ago', shopHeaders(order, minutesAgo(6))],
    ['six minutes from now', shopHeaders(order, minutesAgo(-6))],
    ['with another id', { ...shopHeaders(order), 'webhook-id': 'msg_other' }],
    [
      'with another time',
      { ...shopHeaders(order), 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) - 1) },
    ],
    ['without a time', { ...shopHeaders(order), 'webhook-timestamp': '' }],
    ['without an id', { ...shopHeaders(order), 'webhook-id': '' }],
    ['without a signature', { ...shopHeaders(order), 'webhook-signature': '' }],
    [
      'with one of another version',
      { ...shopHeaders(order), 'webhook-signature': `v2,${hmac(SECRETS.shop, order, 'base64')}` },
    ],
    ['over another body', shopHeaders(`${order} `)],
  ])('what is signed %s is 401', async (_what, headers) => {
    const before = await counts(pool);
    const answer = await api.call('POST', SHOP, order, headers);
    expect([answer.status, answer.body.code]).toEqual([401, 'UNAUTHORIZED']);
    expect(await counts(pool)).toEqual(before);
  });

  test('four minutes are no matter, nor is a second signature', async () => {
    for (const headers of [shopHeaders(order, minutesAgo(4)), shopHeaders(order, minutesAgo(-4))]) {
      const signature = `v1,bm9uZQ== ${headers['webhook-signature']}`;
      const answer = await api.call('POST', SHOP, order, { ...headers, 'webhook-signature': signature });
      expect(answer.status).toBe(201);
    }
  });
});

describe('an HMAC in a header of its own', () => {
  test('the first rule that matches wins, and the last may take all others', async () => {
    const body = JSON.stringify({ reading: 17 });
    const send = (event: string) => api.call('POST', METER, body, meterHeaders(body, event));
    expect((await send('first')).body.task).toMatchObject({
      name: 'example.echo',
      payload: { message: 'first' },
    });
    expect((await send('anything')).body.task).toMatchObject({
      name: 'http.request',
      payload: { url: 'https://example.com/', json: [{ all: { reading: 17 } }] },
    });
    const { 'X-Meter-Event': _event, ...unnamed } = meterHeaders(body, '');
    expect((await api.call('POST', METER, body, unnamed)).body.task.name).toBe('http.request');
  });

  test('is looked at as it is configured', async () => {
    const body = '{}';
    const digest = hmac(SECRETS.meter, body, 'base64');
    for (const signature of [
      digest,
      `v2=${digest}`,
      `v1=${hmac(SECRETS.meter, body)}`,
      `v1=${digest} `.repeat(2),
    ]) {
      const headers = { ...meterHeaders(body, 'first'), 'X-Meter-Signature': signature };
      expect([signature, (await api.call('POST', METER, body, headers)).status]).toEqual([signature, 401]);
    }
  });

  test('without the id of the delivery it is 400', async () => {
    const { 'X-Meter-Id': _id, ...headers } = meterHeaders('{}', 'first');
    const answer = await api.call('POST', METER, '{}', headers);
    expect([answer.status, answer.body.details[0].path]).toEqual([400, '/headers/x-meter-id']);
  });

  test('an event that its template would nest too deep is 400', async () => {
    const body = JSON.stringify({ deep: JSON.parse(nested(62)) });
    const answer = await api.call('POST', METER, body, meterHeaders(body, 'other'));
    expect([answer.status, answer.body.details[0].message]).toEqual([400, 'is nested deeper than 64 levels']);
  });
});

describe('WEBHOOK_SOURCES', () => {
  const [shop, meter] = SOURCES;
  const registry = loadRegistry({ NODE_ENV: 'test' });
  const tasksOf = (of: Registry): Tasks => ({
    registry: of,
    registered: createRegisteredTasks({
      ...{ database: pool, reads: pool, registry: of, project: null, log: { warn() {} } },
    }),
  });
  async function start(sources: unknown): Promise<WebhookSources> {
    const text = typeof sources === 'string' ? sources : JSON.stringify(sources);
    const config = testConfig({ WEBHOOK_SOURCES: text });
    const started = webhookSources(config);
    await requireWebhookTasks(config, tasksOf(registry));
    return started;
  }
  const [rule] = shop.rules;

  test.each<[string, unknown, RegExp]>([
    ['no JSON', '[{"secrets":"open-sesame-and-more"]', /^ {2}it is not JSON$/m],
    ['an empty list', [], /it: Too small/],
    ['no secrets', [{ ...shop, secrets: [] }], /\[0\]\.secrets: /],
    [
      'a short secret',
      [{ ...meter, secrets: ['open-sesame'] }],
      /\[0\]\.secrets\[0\]: must have at least 16 characters/,
    ],
    [
      'a secret that is no base64',
      [{ ...shop, secrets: ['whsec_!open-sesame-and-more!'] }],
      /\[0\]\.secrets: must be base64/,
    ],
    ['an unknown scheme', [{ ...shop, scheme: 'rsa' }], /\[0\]\.scheme: /],
    ['SHA-1', [{ ...meter, algorithm: 'sha1' }], /\[0\]\.algorithm: /],
    ['no header for the signature', [{ ...meter, signature_header: undefined }], /\[0\]\.signature_header: /],
    ['a header of a scheme that has its own', [{ ...shop, signature_header: 'X-A' }], /signature_header/],
    ['a name that is taken', [{ ...shop, name: 'gitea' }], /\[0\]\.name: is reserved/],
    ['a name with a slash', [{ ...shop, name: 'a/b' }], /\[0\]\.name: must match/],
    ['the same name twice', [shop, shop], /\[1\]\.name: shop occurs more than once/],
    ['no rules', [{ ...shop, rules: [] }], /\[0\]\.rules: /],
    [
      'a task that there is not',
      [{ ...shop, rules: [{ ...rule, task: 'example.ecko' }] }],
      /\[0\]\.rules\[0\]\.task: there is no task "example.ecko", did you mean example.echo/,
    ],
    [
      'an own task',
      [{ ...shop, rules: [{ ...rule, task: 'errand.bulk' }] }],
      /there is no task "errand.bulk"/,
    ],
    ['a pointer without a slash', [{ ...shop, event: { pointer: 'type' } }], /\[0\]\.event/],
    [
      'a mark that is no pointer',
      [{ ...shop, rules: [{ ...rule, payload: { a: { $from: 'data' } } }] }],
      /\[0\]\.rules\[0\]\.payload: \$from must be a JSON Pointer/,
    ],
    [
      'a mark with something besides',
      [{ ...shop, rules: [{ ...rule, payload: [{ $from: '/a', or: 1 }] }] }],
      /payload: an object with \$from must not have other properties/,
    ],
    [
      'NUL in a payload',
      [{ ...shop, rules: [{ ...rule, payload: { a: '\0' } }] }],
      /payload: \/a contains the character NUL/,
    ],
    ['a word that is unknown', [{ ...shop, secret: 'a' }], /secret/],
  ])('with %s does not start, and tells no secret', async (_what, sources, message) => {
    const { message: said } = await start(sources).then(
      () => ({ message: 'it starts' }),
      (error: Error) => error,
    );
    expect(said).toMatch(/^WEBHOOK_SOURCES is not valid. It must be like/);
    expect(said).toMatch(message);
    expect(said).not.toMatch(/open-sesame|secret-of-the-tests/);
  });

  test('that is as it must be starts', async () => {
    expect([...(await start(SOURCES)).keys()]).toEqual(['gitea', 'github', 'shop', 'meter']);
    expect([...webhookSources(testConfig()).keys()]).toEqual(['gitea', 'github']);
  });

  test('the one that the guide shows starts', async () => {
    const [shown = ''] = blocksOf('docs/guides/callbacks-and-webhooks.md', 'Other senders', 'json', 1);
    expect([...(await start(shown)).keys()]).toEqual(['gitea', 'github', 'shop', 'meter']);
  });

  test('a secret for pushes needs the task that they become', async () => {
    const config = testConfig({ GITHUB_WEBHOOK_SECRET: SECRETS.github });
    await expect(requireWebhookTasks(config, tasksOf(createRegistry([])))).rejects.toThrow(
      /GITHUB_WEBHOOK_SECRET is set, but .* ci\.build/,
    );
  });

  test('stops the API process, which says why', async () => {
    const sources = JSON.stringify([{ ...shop, rules: [{ ...rule, task: 'example.nothing' }] }]);
    const starting = startProcess('api/main.ts', database.url, { WEBHOOK_SOURCES: sources });
    await expect(starting).rejects.toThrow(
      /WEBHOOK_SOURCES is not valid[\s\S]*there is no task "example.nothing"/,
    );
  });
});
