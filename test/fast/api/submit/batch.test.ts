import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { type Statement, startOwnApi, watched } from '../app.ts';
import { counts, dispatchesOf, expectRefused } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const PATH = '/v1/tasks/example.echo/batch';

function items(prefix: string, count: number): { payload: { message: string } }[] {
  return Array.from({ length: count }, (_, index) => ({ payload: { message: `${prefix} ${index}` } }));
}

test('10,000 valid items are inserted and dispatched by one round trip to Postgres', async () => {
  const statements: Statement[] = [];
  const own = await startOwnApi(watched(pool, (statement) => statements.push(statement)));
  const before = await counts(pool);
  const { status, body } = await own.call('POST', PATH, { items: items('many', 10_000) });
  expect(status).toBe(200);
  // Those without a name read Postgres's clock now and then, whatever is asked.
  expect(statements.map(({ name }) => name).filter((name) => name !== '')).toEqual(['submit_batch']);
  expect(body).toMatchObject({ created: 10_000, duplicates: 0, invalid: 0 });
  expect(body.items).toHaveLength(10_000);
  expect(new Set(body.items.map(({ id }: { id: string }) => id)).size).toBe(10_000);
  const after = await counts(pool);
  expect(after.tasks - before.tasks).toBe(10_000);
  expect(after.dispatches - before.dispatches).toBe(100);
});

test('the answer is in the order of the items, and so are the ids', async () => {
  const { body } = await api.call('POST', PATH, { items: items('order', 250) });
  const ids: string[] = body.items.map(({ id }: { id: string }) => id);
  expect([...ids].sort()).toEqual(ids);
  const { rows } = await pool.query<{ message: string }>(
    `select t.payload ->> 'message' as message
       from unnest($1::uuid[]) with ordinality as g (id, at)
       join errand.tasks t using (id)
      order by g.at`,
    [ids],
  );
  expect(rows.map(({ message }) => message)).toEqual(items('order', 250).map((one) => one.payload.message));
});

test('invalid items have their errors, in place, and the valid ones are inserted', async () => {
  const before = await counts(pool);
  const { status, body } = await api.call('POST', PATH, {
    items: [
      { payload: { message: 'mixed 0' } },
      { payload: { message: 5, count: 0, extra: 1 }, priority: 'high' },
      { payload: { message: 'mixed 2' } },
      {},
      null,
      'text',
      [],
      { payload: { message: 'mixed 7' }, version: '0.0.1' },
      { payload: { message: 'mixed 8' }, run_at: '2026-01-01T00:00:00Z', delay_seconds: 1 },
      { payload: { message: 'mixed 9' }, dedup: 'key' },
      { payload: { message: 'mixed 10' }, priority: 3 },
    ],
  });
  expect(status).toBe(200);
  const problem = (path: string, message: unknown) => ({ path: `/body/items/${path}`, message });
  const invalid = (...errors: unknown[]) => ({ created: false, errors: expect.arrayContaining(errors) });
  expect(body).toMatchObject({ created: 3, duplicates: 0, invalid: 8 });
  expect(body.items).toEqual([
    { id: expect.any(String), state: 'queued', created: true, outcome: 'created' },
    invalid(
      problem('1/payload/message', 'must be string, got 5'),
      problem('1/payload/count', 'Too small: expected number to be >=1, got 0'),
      problem('1/payload/extra', 'is not a known property, got 1'),
      problem('1/priority', 'must be integer, got "high"'),
    ),
    { id: expect.any(String), state: 'queued', created: true, outcome: 'created' },
    invalid(problem('3/payload', 'is required')),
    invalid(problem('4', 'must be object, got null')),
    invalid(problem('5', 'must be object, got "text"')),
    invalid(problem('6', 'must be object, got []')),
    invalid(problem('7', 'example.echo has no version 0.0.1: use 1.0.0')),
    invalid(problem('8/delay_seconds', 'must not be combined with run_at, got 1')),
    invalid(problem('9/dedup_key', expect.stringMatching(/is required/))),
    { id: expect.any(String), state: 'queued', created: true, outcome: 'created' },
  ]);
  expect((await counts(pool)).tasks - before.tasks).toBe(3);
});

test('duplicates inside the batch, and of tasks that are there, are the same task', async () => {
  const known = await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'known' } });
  const { body } = await api.call('POST', PATH, {
    items: [
      { payload: { message: 'twin' } },
      { payload: { message: 'known' } },
      { payload: { message: 'twin' } },
      { payload: { message: 'known', count: 2 } },
      { payload: { message: 'a key' }, dedup_key: 'k' },
      { payload: { message: 'another payload, same key' }, dedup_key: 'k' },
      { payload: { message: 'alone' }, dedup: 'none' },
      { payload: { message: 'alone' }, dedup: 'none' },
    ],
  });
  expect(body).toMatchObject({ created: 5, duplicates: 3, invalid: 0 });
  const created = body.items.map((one: { created: boolean }) => one.created);
  expect(created).toEqual([true, false, false, true, true, false, true, true]);
  const ids = body.items.map((one: { id: string }) => one.id);
  expect(ids[2]).toBe(ids[0]);
  expect(ids[1]).toBe(known.body.task.id);
  expect(ids[5]).toBe(ids[4]);
  expect(new Set(ids).size).toBe(6);
});

test('items of one due time and priority share dispatches of at most a hundred, others have their own', async () => {
  const { body } = await api.call('POST', PATH, {
    items: items('dispatches', 150).map((item, index) => ({
      ...item,
      ...(index >= 120 ? { priority: 9 } : {}),
      ...(index >= 140 ? { delay_seconds: 600 } : {}),
    })),
  });
  const states = body.items.map(({ state }: { state: string }) => state);
  expect(states.slice(139, 141)).toEqual(['queued', 'scheduled']);
  const dispatches = await dispatchesOf(
    pool,
    body.items.map(({ id }: { id: string }) => id),
  );
  const sizes = dispatches.map(({ priority, payload }) => [priority, (payload as string[]).length]);
  expect(sizes.sort()).toEqual(
    [
      [0, 100],
      [0, 20],
      [9, 10],
      [9, 20],
    ].sort(),
  );
});

test('10,001 items are refused', async () => {
  const send = () => api.call('POST', PATH, { items: items('too many', 10_001) });
  await expectRefused(api, pool, send, {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [
      { path: '/body/items', message: expect.stringMatching(/must NOT have more than 10000 items, got \[/) },
    ],
  });
});

test('no items, and what is no list of items, is refused', async () => {
  const wrong: [unknown, { path: string; message: string }[]][] = [
    [{ items: [] }, [{ path: '/body/items', message: 'must NOT have fewer than 1 items, got []' }]],
    [{ items: {} }, [{ path: '/body/items', message: 'must be array, got {}' }]],
    [{}, [{ path: '/body/items', message: 'is required' }]],
    [[], [{ path: '/body', message: 'must be object, got []' }]],
    [
      { items: [], more: 1, atomic: true },
      [
        { path: '/body/items', message: 'must NOT have fewer than 1 items, got []' },
        { path: '/body/more', message: 'is not a known property, got 1' },
        { path: '/body/atomic', message: 'is not a known property, got true' },
      ],
    ],
  ];
  for (const [body, details] of wrong) {
    const refusal = { status: 400, code: 'VALIDATION_FAILED', details };
    await expectRefused(api, pool, () => api.call('POST', PATH, body), refusal);
  }
});

test('a batch of an unknown task is 404 with the names that are close', async () => {
  const answer = await api.call('POST', '/v1/tasks/example.ecko/batch', { items: items('x', 1) });
  expect(answer.status).toBe(404);
  expect(answer.body.details[0]).toEqual({ path: '/path/name', message: 'example.echo' });
});
