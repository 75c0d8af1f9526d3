import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  createClient,
  type SubmitProgress,
  type SubmittedItem,
  ValidationError,
} from '../../../client/index.ts';
import { createDatabase } from '../../support/database.ts';
import { clientOf, startRegisteredApi } from './clients.ts';
import { type Fate, startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);

const isBatch = (path: string): boolean => path.endsWith('/batch');

async function countTagged(tag: string): Promise<number> {
  const { rows } = await pool.query('select count(*)::int as count from errand.tasks where $1 = any (tags)', [
    tag,
  ]);
  return rows[0].count;
}

function ids(items: readonly SubmittedItem[]): string[] {
  return items.map(({ id }) => id ?? 'none');
}

test.each([
  ['as its payload is the key', 'example.echo', (index: number) => ({ message: `${index}` })],
  ['as each request has a key', 'example.sleep', (index: number) => ({ ms: index })],
] as const)(
  '10,000 are submitted once each though requests fail and answers get lost, %s',
  async (_why, name, payload) => {
    const proxy = await startProxy(api.url);
    const fates: Fate[] = [
      'pass',
      'lose-answer',
      'pass',
      { status: 503, headers: { 'retry-after': '0' } },
      'break',
    ];
    proxy.decide = ({ path }) => (isBatch(path) ? (fates.shift() ?? 'pass') : 'pass');
    const tag = randomUUID();
    const steps: SubmitProgress[] = [];
    const payloads = Array.from({ length: 10_000 }, (_, index) => payload(index));
    const client = createClient({ baseUrl: proxy.url, retry: { initialMs: 10 } });
    const { items, invalid, ...counts } = await client.submitMany(name, payloads, {
      chunkSize: 1_600,
      concurrency: 3,
      tags: [tag],
      onProgress: (progress) => steps.push(progress),
    });
    expect([items.length, invalid, await countTagged(tag)]).toEqual([10_000, 0, 10_000]);
    expect(counts.created + counts.duplicates).toBe(10_000);
    expect(steps.map(({ submitted }) => submitted)).toEqual([
      1_600, 3_200, 4_800, 6_400, 8_000, 9_600, 10_000,
    ]);
    expect(proxy.seen.filter(({ path }) => isBatch(path))).toHaveLength(10);
    // In order: each id is that of its payload.
    const { rows } = await pool.query('select id, payload from errand.tasks where $1 = any (tags)', [tag]);
    const byId = new Map(rows.map((row) => [row.id, row.payload]));
    expect(ids(items).map((id) => byId.get(id))).toEqual(payloads);
  },
);

test('what is wrong with one is told of it alone, with its place among all', async () => {
  const client = createClient({ baseUrl: api.url });
  const payloads = Array.from({ length: 10 }, (_, index) => ({
    message: index === 7 ? 7 : `${index} is fine`,
  }));
  const { items, created, invalid } = await client.submitMany('example.echo', payloads, { chunkSize: 4 });
  expect([created, invalid]).toEqual([9, 1]);
  expect(items[7]).toEqual({
    created: false,
    errors: [{ path: '/items/7/payload/message', message: expect.any(String) }],
  });
  expect(items[8]).toMatchObject({ created: true, state: 'queued', id: expect.any(String) });
});

test('what refuses a whole request is thrown, with the place among all', async () => {
  const client = createClient({ baseUrl: api.url });
  const payloads = Array.from({ length: 10 }, (_, index) => ({
    message: index === 7 ? 'a\0b' : `${index} fits`,
  }));
  const error = await client.submitMany('example.echo', payloads, { chunkSize: 4 }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ValidationError);
  expect(error.details[0].path).toBe('/items/7/payload/message');
});

test('requests stay below what a body may hold, and are halved where less is accepted', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url);
  const tag = randomUUID();
  const text = 'a b '.repeat(200_000);
  const payloads = Array.from({ length: 30 }, (_, index) => ({ text: `${index} ${text}` }));
  const whole = await client.submitMany('text.count_words', payloads, { tags: [tag] });
  expect(whole.created + whole.duplicates).toBe(30);
  // Each once: on a busy machine one may be answered 408 and be sent again.
  const bodies = new Set(proxy.seen.filter(({ path }) => isBatch(path)).map(({ body }) => body));
  expect(bodies.size).toBe(3);

  proxy.seen.length = 0;
  proxy.decide = ({ body }) => (body.length > 2_000_000 ? { status: 413, body: '<html>' } : 'pass');
  const halved = await client.submitMany('text.count_words', payloads, { tags: [tag] });
  expect([ids(halved.items), halved.duplicates]).toEqual([ids(whole.items), 30]);

  proxy.decide = ({ body }) => (body.length > 500_000 ? { status: 413, body: '<html>' } : 'pass');
  const [large, small] = (await client.submitMany('text.count_words', [{ text }, { text: 'a' }])).items;
  expect(large).toMatchObject({ created: false, errors: [{ path: '/items/0' }] });
  expect(small).toMatchObject({ created: true });
});

test('keys of their own, or one for all: the same call again meets the tasks of the first', async () => {
  const client = clientOf(api.url);
  const payloads = [{ ms: 1 }, { ms: 2 }, { ms: 3 }];
  const dedupKey = ({ ms }: { ms: number }, index: number): string => `own-${ms}-${index}`;
  const first = await client.submitMany('example.sleep', payloads, { dedupKey });
  const again = await client.submitMany('example.sleep', payloads, { dedupKey });
  expect([again.duplicates, ids(again.items)]).toEqual([3, ids(first.items)]);
  const options = { idempotencyKey: 'import of today', chunkSize: 2 };
  const one = await client.submitMany('example.sleep', payloads, options);
  const other = await client.submitMany('example.sleep', payloads, options);
  expect([one.created, other.duplicates, ids(other.items)]).toEqual([3, 3, ids(one.items)]);
  const without = await client.submitMany('example.sleep', payloads);
  expect(without.created).toBe(3);
});

test('of an endless source no more is read than is under way, and it is closed in the end', async () => {
  const proxy = await startProxy(api.url);
  let read = 0;
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield { message: `${read++} of no end` };
    } finally {
      closed = true;
    }
  }
  let taken = 0;
  for await (const item of clientOf(proxy.url).submitEach('example.echo', endless(), {
    chunkSize: 10,
    concurrency: 2,
  })) {
    expect(item.errors).toBeUndefined();
    taken++;
    // Those under way, the chunk that is being taken, and the first of the next.
    expect(read).toBeLessThanOrEqual(Math.ceil(taken / 10) * 10 + 2 * 10 + 1);
    if (taken === 55) break;
  }
  expect([taken, closed]).toEqual([55, true]);
});

test('a source that gives nothing more is given up with the signal', async () => {
  async function* stuck() {
    yield { message: 'the first' };
    await new Promise(() => {});
  }
  const stop = new AbortController();
  const reason = new Error('enough');
  const options = { signal: stop.signal, chunkSize: 1, concurrency: 1 };
  const items = clientOf(api.url).submitEach('example.echo', stuck(), options);
  expect(await items.next()).toMatchObject({ value: { created: true } });
  const next = items.next().catch((error: unknown) => error);
  stop.abort(reason);
  expect(await next).toBe(reason);
});

test('what its source throws is thrown, and so are numbers that make no sense', async () => {
  const client = clientOf(api.url);
  function* broken() {
    yield { message: 'the only one' };
    throw new RangeError('the file ends here');
  }
  await expect(client.submitMany('example.echo', broken())).rejects.toThrow(RangeError);
  for (const options of [{ chunkSize: 0 }, { chunkSize: 10_001 }, { concurrency: 0.5 }]) {
    await expect(client.submitMany('example.echo', [], options)).rejects.toThrow(RangeError);
  }
  expect(await client.submitMany('example.echo', [])).toEqual({
    items: [],
    created: 0,
    duplicates: 0,
    invalid: 0,
  });
});
