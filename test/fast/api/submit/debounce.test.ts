import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createClient } from '../../../../client/index.ts';
import { createRegistry } from '../../../../core/registry.ts';
import { defineTask } from '../../../../core/task.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { textTask } from '../definitions.ts';
import { expectRefused } from '../ledger.ts';

const { pool } = await createDatabase();
const definitions = [
  textTask('burst.plain', { dedup: { strategy: 'none' } }),
  textTask('burst.debounced', { debounceSeconds: 60, debounceMaxSeconds: 90 }),
  textTask('burst.throttled', { throttleSeconds: 60 }),
  textTask('burst.keyed', { debounceSeconds: 60, dedup: { strategy: 'key' } }),
];
const api = await startApi(pool, { registry: createRegistry(definitions) });
await registerDefinitions(pool, definitions);

type Options = Record<string, unknown>;
const send = (name: string, text: string, options: Options = {}, headers = {}) =>
  api.call('POST', `/v1/tasks/burst.${name}`, { payload: { text }, ...options }, headers);

/** Seconds from the creation of a task to its due time, and to the latest one. */
async function delaysOf(id: string): Promise<{ delay: number; max: number }> {
  const { rows } = await pool.query<{ delay: number; max: number }>(
    `select extract(epoch from run_at - errand.uuid_time(id))::float8 as delay,
            extract(epoch from debounce_until - errand.uuid_time(id))::float8 as max
       from errand.tasks where id = $1`,
    [id],
  );
  return rows[0] ?? { delay: Number.NaN, max: Number.NaN };
}

describe('POST /v1/tasks/{name}', () => {
  test('201 for the first of a burst, then 200 with its payload and its due time', async () => {
    const first = await send('plain', 'one', { debounce_seconds: 30, dedup_key: 'http' });
    expect(first).toMatchObject({ status: 201, body: { created: true, outcome: 'created' } });
    const second = await send('plain', 'two', { debounce_seconds: 30, dedup_key: 'http' });
    expect(second).toMatchObject({ status: 200, body: { created: false, outcome: 'debounced' } });
    const { task, message } = second.body;
    expect(task).toMatchObject({
      id: first.body.task.id,
      payload: { text: 'two' },
      dedup: 'debounce',
      debounced: 1,
    });
    expect(message).toBe(
      `The task of this burst waits: it has this payload now, and is due at ${task.run_at}`,
    );
    const { delay, max } = await delaysOf(task.id);
    expect(delay).toBeGreaterThanOrEqual(29);
    expect(max).toBeCloseTo(300, -1);
    const read = await api.call('GET', `/v1/tasks/${task.id}`);
    expect(read.body).toMatchObject({ debounced: 1, dedup_key: 'http' });
  });

  test('the policy debounces all submissions of the name, unless one has a key or another strategy', async () => {
    const first = await send('debounced', 'one');
    const second = await send('debounced', 'two', { dedup: 'definition' }, { 'idempotency-key': 'mine' });
    expect(second.body).toMatchObject({ outcome: 'debounced', task: { id: first.body.task.id } });
    expect((await delaysOf(first.body.task.id)).max).toBeCloseTo(90, -1);
    expect((await send('debounced', 'three', { dedup_key: 'k' })).body.outcome).toBe('created');
    expect((await send('debounced', 'four', { dedup: 'none' })).body.outcome).toBe('created');
    expect((await send('debounced', 'five', { throttle_seconds: 5 })).body.outcome).toBe('created');
    expect((await send('debounced', 'six', { throttle_seconds: 5 })).body.outcome).toBe('throttled');
  });

  test('throttled: the first task, and what it says', async () => {
    const first = await send('throttled', 'one');
    const second = await send('throttled', 'two');
    expect(second).toMatchObject({ status: 200, body: { created: false, outcome: 'throttled' } });
    expect(second.body.task).toMatchObject({
      id: first.body.task.id,
      payload: { text: 'one' },
      debounced: null,
    });
    expect(second.body.message).toMatch(/nothing has changed$/);
  });

  test.each<[string, string, Options, string, RegExp]>([
    [
      'two kinds of bursts',
      'plain',
      { debounce_seconds: 5, throttle_seconds: 5 },
      'throttle_seconds',
      /the other the first/,
    ],
    [
      'a strategy',
      'plain',
      { debounce_seconds: 5, dedup: 'payload' },
      'dedup',
      /recognised by dedup_key or the name/,
    ],
    [
      'a window',
      'plain',
      { throttle_seconds: 5, dedup_window_seconds: 9 },
      'dedup_window_seconds',
      /throttle_seconds is the window/,
    ],
    [
      'a time',
      'plain',
      { debounce_seconds: 5, run_at: '2100-01-01T00:00:00Z' },
      'run_at',
      /due when the burst is over/,
    ],
    [
      'a delay, by the policy',
      'debounced',
      { delay_seconds: 5 },
      'delay_seconds',
      /debounce_seconds of its definition/,
    ],
    ['no key, where the definition wants one', 'keyed', {}, 'dedup_key', /is required: send dedup_key$/],
    ['0 s', 'plain', { debounce_seconds: 0 }, 'debounce_seconds', /must be >= 1/],
    ['parts of a second', 'plain', { throttle_seconds: 1.5 }, 'throttle_seconds', /must be integer/],
    [
      'more than 366 days',
      'plain',
      { debounce_seconds: 31_622_401 },
      'debounce_seconds',
      /must be <= 31622400/,
    ],
    ['a text', 'plain', { debounce_seconds: '5' }, 'debounce_seconds', /must be integer/],
  ])('400 for %s', async (_what, name, options, field, message) => {
    await expectRefused(api, pool, () => send(name, 'a', options), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: `/body/${field}`, message: expect.stringMatching(message) }],
    });
  });

  test('400 for an Idempotency-Key: several requests are one task', async () => {
    await expectRefused(api, pool, () => send('debounced', 'a', {}, { 'idempotency-key': 'i' }), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [
        {
          path: '/headers/idempotency-key',
          message: expect.stringMatching(/several submissions share a task/),
        },
      ],
    });
  });
});

test('a batch says for each item what it did', async () => {
  const item = (text: string, more: Options = {}): Options => ({
    payload: { text },
    ...{ debounce_seconds: 60, dedup_key: 'batch' },
    ...more,
  });
  const items = [
    item('1'),
    item('2', { run_at: '2100-01-01T00:00:00Z' }),
    item('3'),
    item('4', { dedup_key: 'b' }),
  ];
  const { body } = await api.call('POST', '/v1/tasks/burst.plain/batch', { items });
  expect(body).toMatchObject({ created: 2, duplicates: 1, invalid: 1 });
  const outcomes = body.items.map((one: { outcome?: string }) => one.outcome);
  expect(outcomes).toEqual(['debounced', undefined, 'created', 'created']);
  expect(body.items[0].id).toBe(body.items[2].id);
  const { body: task } = await api.call('GET', `/v1/tasks/${body.items[0].id}`);
  expect(task).toMatchObject({ payload: { text: '3' }, debounced: 1 });
});

describe('errand.submit', () => {
  type Made = { id: string; state: string; created: boolean };
  const call = async (name: string, rest = ''): Promise<Made | undefined> =>
    (await pool.query<Made>(`select * from errand.submit('burst.${name}', '{"text": "sql"}'${rest})`))
      .rows[0];

  test('debounces and throttles like HTTP, into the same task', async () => {
    const first = await send('plain', 'http', { debounce_seconds: 60, dedup_key: 'both' });
    const second = await call('plain', ", dedup_key => 'both', debounce => '2 minutes'");
    expect(second).toEqual({ id: first.body.task.id, state: 'scheduled', created: false });
    const read = await api.call('GET', `/v1/tasks/${first.body.task.id}`);
    expect(read.body).toMatchObject({ payload: { text: 'sql' }, debounced: 1 });
    const third = await call('plain', ", dedup_key => 'both', throttle => '1 minute'");
    expect(third?.created).toBe(true);
    expect(await call('plain', ", dedup_key => 'both', throttle => '1 minute'")).toEqual({
      ...third,
      created: false,
    });
  });

  test('has the delays of the policy', async () => {
    const made = await call('debounced', ", dedup_key => 'sql'");
    expect((await delaysOf(made?.id ?? '')).max).toBeCloseTo(90, -1);
    expect(await call('debounced', ", dedup_key => 'sql'")).toEqual({ ...made, created: false });
    const throttled = await call('throttled', ", dedup_key => 'sql'");
    expect(await call('throttled', ", dedup_key => 'sql'")).toEqual({ ...throttled, created: false });
    expect((await call('throttled', ", dedup_key => 'sql', dedup => 'key'"))?.created).toBe(true);
  });

  test.each([
    [", debounce => '1 s', throttle => '1 s'", /^throttle: must not be combined with debounce/],
    [", debounce => '0.5 s'", /^debounce: must be from 1 second to 366 days/],
    [", throttle => '367 days'", /^throttle: must be from 1 second to 366 days/],
    [", debounce => '1 s', run_at => now()", /^run_at: must not be combined with debounce/],
    [", throttle => '1 s', dedup => 'payload'", /^dedup: must not be combined with throttle/],
    [", throttle => '1 s', dedup_window => '1 s'", /^dedup_window: must not be combined with throttle/],
  ])('refuses %s', async (rest, message) => {
    await expect(call('plain', rest)).rejects.toMatchObject({
      code: '22023',
      message: expect.stringMatching(message),
    });
  });

  test('refuses to be without a key where the definition wants one', async () => {
    await expect(call('keyed')).rejects.toMatchObject({
      code: '22023',
      message: expect.stringMatching(/^dedup_key: /),
    });
  });
});

test('the client debounces and throttles, and can do without', async () => {
  const client = createClient({ baseUrl: api.url });
  const options = { dedupKey: 'client', debounceSeconds: 60 };
  const first = await client.submit('burst.plain', { text: '1' }, options);
  const second = await client.submit('burst.plain', { text: '2' }, options);
  expect([first.outcome, second.outcome, second.id === first.id]).toEqual(['created', 'debounced', true]);
  expect([second.debounced, second.payload]).toEqual([1, { text: '2' }]);
  const many = await client.submitMany('burst.plain', [{ text: '3' }, { text: '4' }], {
    throttleSeconds: 60,
  });
  expect(many.items.map(({ outcome }) => outcome)).toEqual(['created', 'throttled']);
  const own = await client.submit('burst.debounced', { text: '5' });
  expect((await client.submit('burst.debounced', { text: '6' })).id).toBe(own.id);
  expect((await client.submit('burst.debounced', { text: '7' }, { dedup: 'none' })).outcome).toBe('created');
});

test('follow-ups are debounced with those of other attempts, and refused with options that do not fit', async () => {
  const source = defineTask({
    ...{ name: 'burst.source', version: '1', description: 'Submits', payload: z.object({ n: z.number() }) },
    ...{ example: { n: 1 }, policy: { dedup: { strategy: 'none' }, maxAttempts: 1 } },
  });
  const [plain, debounced] = definitions;
  if (plain === undefined || debounced === undefined) throw new Error('no definition');
  const handler = registeredHandler(source, async ({ n }, { submit }) => {
    const more = n === 3 ? { delayMs: 5 } : {};
    await submit(plain, { text: String(n) }, { debounceSeconds: 60, dedupKey: 'follow', ...more });
    await submit(debounced, { text: String(n) }, { dedupKey: 'follow' });
  });
  await registerDefinitions(pool, [source]);
  await startTestRunner(pool, { registeredHandlers: new Map([handler]) });
  const ended = [];
  for (const n of [1, 2, 3]) {
    const { rows } = await pool.query<{ id: string }>(
      `select id from errand.submit('burst.source', jsonb_build_object('n', $1::integer))`,
      [n],
    );
    ended.push(await finished(pool, rows[0]?.id ?? ''));
  }
  expect(ended.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'failed']);
  expect(ended[2]?.error?.metadata).toMatchObject({ details: [{ path: '/follow_ups/0/delay_ms' }] });
  const { rows } = await pool.query("select payload, debounced from errand.tasks where dedup_key = 'follow'");
  expect(rows).toEqual([
    { payload: { text: '2' }, debounced: 1 },
    { payload: { text: '2' }, debounced: 1 },
  ]);
});

test.each([
  [{ debounceSeconds: 5, throttleSeconds: 5 }, /policy.throttleSeconds: must not be combined/],
  [{ debounceSeconds: 5, dedup: { windowSeconds: 5 } }, /policy.dedup.windowSeconds: must not be combined/],
  [{ debounceSeconds: 5, debounceMaxSeconds: 4 }, /policy.debounceMaxSeconds: needs debounceSeconds/],
  [{ debounceMaxSeconds: 4 }, /policy.debounceMaxSeconds: needs debounceSeconds/],
  [{ debounceSeconds: 0 }, /policy.debounceSeconds/],
  [{ throttleSeconds: 1.5 }, /policy.throttleSeconds/],
])('a definition with %j is refused', (policy, message) => {
  expect(() => textTask('burst.wrong', policy)).toThrow(message);
});
