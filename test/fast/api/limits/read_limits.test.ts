import { describe, expect, test } from 'vitest';
import { defineLimit } from '../../../../core/limits/define_limit.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { submit } from '../../../support/tasks.ts';
import { limited } from '../../limits/limited.ts';
import { expectError } from '../ledger.ts';
import { as } from '../principals.ts';
import { auditOf, settled, startHeld, startLimitApi } from './limits.ts';

const api = await startLimitApi();
const { pool, put, get, call, guarded } = api;

const printer = defineLimit({ name: 'office.printer', limit: 1 });
await registerDefinitions(pool, [
  limited('office.print', printer),
  limited('billing.invoice', [3, { limit: printer, key: ({ key }) => key ?? 'none' }]),
  limited('billing.remind', { limit: 1, key: ({ key }) => key ?? 'none' }),
  limited('sales.offer', 2),
]);
const namesIn = (answer: { body: { limits: { name: string }[] } }) =>
  answer.body.limits.map(({ name }) => name);
const ALL = ['billing.invoice', 'billing.remind:key', 'office.printer', 'sales.offer'];

describe('GET /v1/limits (Q7)', () => {
  test('200: lists the limits of the definitions by name, in pages', async () => {
    const all = await call('GET', '/v1/limits');
    expect(all.status).toBe(200);
    expect(namesIn(all)).toEqual(ALL);
    expect(all.body.limits[2]).toEqual({
      name: 'office.printer',
      namespace: 'office',
      kind: 'concurrency',
      is_keyed: true,
      rate: null,
      limit: 1,
      paused: false,
      declared: 1,
      definitions: ['billing.invoice', 'office.print'],
      setting: null,
      holders: 0,
      holders_is_capped: false,
      waiters: 0,
      waiters_is_capped: false,
      oldest_waiter_since: null,
    });
    const first = await call('GET', '/v1/limits?page_size=3');
    expect(namesIn(first)).toEqual(ALL.slice(0, 3));
    const second = await call('GET', `/v1/limits?page_size=3&cursor=${first.body.next_cursor}`);
    expect(namesIn(second)).toEqual(ALL.slice(3));
    expect(second.body.next_cursor).toBeNull();
  });

  test('200: a namespace has its limits, and those that its definitions share', async () => {
    expect(namesIn(await call('GET', '/v1/limits?namespace=billing'))).toEqual(ALL.slice(0, 3));
    expect(namesIn(await call('GET', '/v1/limits?namespace=nothing'))).toEqual([]);
  });

  test('400: a cursor of another API', async () => {
    for (const cursor of ['x', 'YSc', Buffer.from("a';--").toString('base64url')])
      expectError(await call('GET', `/v1/limits?cursor=${cursor}`), {
        status: 400,
        code: 'VALIDATION_FAILED',
        details: 'some',
      });
  });
});

test('GET /v1/limits/{limit_name} shows the busiest keys, who holds and who waits', async () => {
  const definition = limited('busy.x', { limit: 1, key: ({ key }) => key ?? 'none' });
  await startHeld(pool, [definition]);
  const hostile = `<script>\u202e"'; --\n${'é'.repeat(400)}`;
  const keys = ['a', 'b', 'b', hostile, hostile, hostile, hostile];
  const tasks = await submit(pool, ...keys.map((key) => ({ name: 'busy.x', payload: { key } })));
  await settled(pool, 'busy.x:key', 3, 4);
  const { status, body } = await get('busy.x:key');
  expect(status).toBe(200);
  expect(body).toMatchObject({ holders: 3, waiters: 4, keys_is_capped: false, keys_are_hidden: false });
  expect(body.oldest_waiter_since).toBe(body.waiting[0].since);
  const figures = (key: string, holders: number, waiters: number) =>
    expect.objectContaining({ key, holders, waiters });
  expect(body.keys).toEqual([figures(hostile, 1, 3), figures('b', 1, 1), figures('a', 1, 0)]);
  expect(body.holding.map(({ key }: { key: string }) => key).sort()).toEqual([hostile, 'a', 'b'].sort());
  expect(body.holding[0]).toMatchObject({
    name: 'busy.x',
    step: null,
    runner_id: expect.any(Number),
  });
  expect(body.waiting).toHaveLength(4);
  expect(tasks.map(({ id }) => id)).toContain(body.waiting[0].id);
  const one = (await get('busy.x:key', `?key=${encodeURIComponent(hostile)}`)).body;
  expect(one.keys).toEqual([figures(hostile, 1, 3)]);
  expect([one.holding.length, one.waiting.length]).toEqual([1, 3]);
  const unused = (await get('busy.x:key', '?key=unused')).body;
  expect(unused).toMatchObject({
    keys: [{ key: 'unused', holders: 0, waiters: 0 }],
    holding: [],
    waiting: [],
  });
  expect((await get('busy.x:key', '?key_count=1')).body.keys).toEqual([figures(hostile, 1, 3)]);
  expect(namesIn(await call('GET', '/v1/limits?waiting=true'))).toEqual(['busy.x:key']);
  for (const query of ['?key=', `?key=${'x'.repeat(513)}`, '?key_count=101', '?key=%00'])
    expect((await get('busy.x:key', query)).status).toBe(400);
});

describe('rights', () => {
  const REFUSED = { status: 403, code: 'FORBIDDEN' } as const;

  test('a caller sees the limits of its namespaces, and those that it shares', async () => {
    expect(namesIn(await guarded.call('GET', '/v1/limits', undefined, as('eve of billing')))).toEqual(
      ALL.slice(0, 3),
    );
    expect(namesIn(await guarded.call('GET', '/v1/limits', undefined, as('eve of sales')))).toEqual([
      'sales.offer',
    ]);
    expectError(await guarded.call('GET', '/v1/limits/office.printer', undefined, as('eve of sales')), {
      status: 404,
      code: 'NOT_FOUND',
    });
    expectError(await guarded.call('GET', '/v1/limits', undefined, as('eve of sales may submit')), REFUSED);
    expect((await guarded.call('GET', '/v1/limits')).status).toBe(401);
  });

  test('of a shared limit it sees its definitions and tasks, and no keys of others', async () => {
    await startHeld(pool, [
      limited('office.print', printer),
      limited('billing.invoice', { limit: printer, key: () => 'a' }),
    ]);
    await submit(pool, { name: 'office.print', payload: {} }, { name: 'billing.invoice', payload: {} });
    await settled(pool, 'office.printer', 2, 0);
    const seen = await guarded.call('GET', '/v1/limits/office.printer', undefined, as('eve of billing'));
    expect(seen.body).toMatchObject({
      definitions: ['billing.invoice'],
      holders: 2,
      keys: [],
      keys_are_hidden: true,
      holding: [{ name: 'billing.invoice', key: 'a' }],
    });
    const whole = await guarded.call(
      'GET',
      '/v1/limits/office.printer',
      undefined,
      as('ann of office,billing'),
    );
    expect(whole.body).toMatchObject({ keys_are_hidden: false, keys: [{ key: '' }, { key: 'a' }] });
    expect(whole.body.holding).toHaveLength(2);
  });

  test('only a caller that may operate in its namespace changes a limit', async () => {
    const change = (who: string, method = 'PUT') =>
      guarded.call(method, '/v1/limits/office.printer', method === 'PUT' ? { limit: 5 } : undefined, as(who));
    for (const who of ['eve of billing', 'eve of office may read,submit', 'eve of sales'])
      for (const method of ['PUT', 'DELETE']) expectError(await change(who, method), REFUSED);
    expect(await auditOf(pool, 'office.printer')).toEqual([]);
    const blind = await change('ann of office may operate');
    expect(blind.body).toMatchObject({ changed: true, limit: { name: 'office.printer', paused: false } });
    expect(Object.keys(blind.body.limit)).toEqual(['name', 'paused']);
    const own = await guarded.call('PUT', '/v1/limits/office.printer', { limit: 6 }, as('ann of office'));
    expect(own.body.limit).toMatchObject({
      limit: 6,
      definitions: ['office.print'],
      setting: { actor: 'user:ann' },
    });
    expect((await change('ann of office', 'DELETE')).body.changed).toBe(true);
    expect((await auditOf(pool, 'office.printer')).map(({ actor }) => actor)).toEqual([
      'user:ann',
      'user:ann',
      'user:ann',
    ]);
  });
});

test('a page of paused limits', async () => {
  await put('sales.offer', { paused: true });
  expect(namesIn(await call('GET', '/v1/limits?paused=true'))).toEqual(['sales.offer']);
  expect(namesIn(await call('GET', '/v1/limits?paused=false'))).not.toContain('sales.offer');
});
