import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../../core/errors.ts';
import { defineTask, type TaskContext } from '../../../core/task.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { base, diamond, diamondCode } from './shapes.ts';
import { registeredHandlersOf } from './workflows.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

const first = defineTask({
  ...base,
  name: 'follow.first',
  policy: { maxAttempts: 1, dedup: { strategy: 'none' } },
});
const next = defineTask({
  ...base,
  name: 'follow.next',
  payload: z.strictObject({ value: z.number().max(9), note: z.string().optional() }),
  policy: { priority: 5, maxAttempts: 4, dedup: { strategy: 'payload' } },
});
const keyed = defineTask({ ...base, name: 'follow.keyed', policy: { dedup: { strategy: 'key' } } });

type Work = (context: TaskContext) => unknown;

/** Runs one task whose handler does this; gives its id. Follow-ups stay where they are: this runner can't execute them. */
async function run(work: Work, options: Parameters<typeof submitOne>[1] | object = {}): Promise<string> {
  const registeredHandlers = new Map([registeredHandler(first, (_payload, context) => work(context))]);
  await startTestRunner(pool, { registeredHandlers });
  const { id } = await submitOne(pool, {
    name: first.name,
    payload: { value: 1 },
    maxAttempts: 1,
    ...options,
  });
  return id;
}

/** All that was submitted by it. */
async function followUps(): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query(
    `select name, state, payload, priority, max_attempts, initiator, source_system, request_id, traceparent, tags, dedup, dedup_key
       from errand.tasks where name <> 'follow.first' order by id`,
  );
  return rows;
}

test('what a handler submits is there with its success, in the same trace and for the same initiator', async () => {
  const id = await run(
    async ({ submit }) => {
      await submit(next, { value: 1 });
      await submit(
        next,
        { value: 2, note: 'ö' },
        { priority: 1, maxAttempts: 2, tags: ['a'], delayMs: 3_600_000 },
      );
      expect(await followUps()).toEqual([]);
    },
    {
      initiator: 'me',
      sourceSystem: 'crm',
      requestId: 'r-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  );
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  const submission = { name: 'follow.next', initiator: 'me', source_system: 'crm', request_id: 'r-1' };
  expect(await followUps()).toMatchObject([
    {
      ...submission,
      state: 'queued',
      payload: { value: 1 },
      priority: 5,
      max_attempts: 4,
      tags: [],
      dedup: 'payload',
    },
    {
      ...submission,
      state: 'scheduled',
      payload: { value: 2, note: 'ö' },
      priority: 1,
      max_attempts: 2,
      tags: ['a'],
    },
  ]);
  for (const { traceparent } of await followUps()) {
    expect(traceparent).toContain('0af7651916cd43dd8448eb211c80319c');
  }
});

test('a failed attempt submits nothing', async () => {
  const id = await run(async ({ submit }) => {
    await submit(next, { value: 1 });
    throw new Error('after all not');
  });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed' });
  expect(await followUps()).toEqual([]);
});

test('a success that comes too late to count submits nothing', async () => {
  let began = false;
  const gate = Promise.withResolvers<void>();
  const id = await run(async ({ submit }) => {
    await submit(next, { value: 1 });
    began = true;
    await gate.promise;
  });
  await until('it runs', () => began);
  // As if another runner had taken it over: the outcome of this attempt is nobody's.
  await pool.query(
    'update errand.tasks set dispatch_id = gen_random_uuid(), attempt = attempt + 1 where id = $1',
    [id],
  );
  gate.resolve();
  await until('its dispatch is gone', async () => {
    const { rowCount } = await pool.query('select from errand_worker._private_jobs');
    return rowCount === 0;
  });
  expect(await followUps()).toEqual([]);
});

test('one that was cancelled submits nothing', async () => {
  let began = false;
  const id = await run(async ({ submit, signal }) => {
    await submit(next, { value: 1 });
    began = true;
    await until('it is told', () => signal.aborted);
    signal.throwIfAborted();
  });
  await until('it runs', () => began);
  await cancelTask(pool, id);
  expect(await finished(pool, id)).toMatchObject({ state: 'cancelled' });
  expect(await followUps()).toEqual([]);
});

test('they meet their duplicates as their definition says', async () => {
  const there = await submitOne(pool, {
    name: next.name,
    payload: { value: 1 },
    dedup: { dedup: 'payload', key: null },
  });
  const id = await run(async ({ submit }) => {
    for (const value of [1, 2, 2]) await submit(next, { value });
    await submit(next, { value: 1 }, { dedup: 'none' });
    for (const value of [1, 2]) await submit(keyed, { value }, { dedupKey: 'k' });
  });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  const { rows } = await pool.query(
    `select name, payload ->> 'value' as value, dedup_key, id = $1 as is_old from errand.tasks
      where name <> 'follow.first' order by name, id`,
    [there.id],
  );
  expect(rows).toEqual([
    { name: 'follow.keyed', value: '1', dedup_key: 'k', is_old: false },
    { name: 'follow.next', value: '1', dedup_key: null, is_old: true },
    { name: 'follow.next', value: '2', dedup_key: null, is_old: false },
    { name: 'follow.next', value: '1', dedup_key: null, is_old: false },
  ]);
});

const refusals: [string, Work, string][] = [
  ['a payload that does not fit', ({ submit }) => submit(next, { value: 10 }), 'VALIDATION_FAILED'],
  [
    'text that Postgres can not hold',
    ({ submit }) => submit(next, { value: 1, note: '\0' }),
    'VALIDATION_FAILED',
  ],
  ['what is no JSON', ({ submit }) => submit(next, { value: 1n as unknown as number }), 'VALIDATION_FAILED'],
  ['no key where one is needed', ({ submit }) => submit(keyed, { value: 1 }), 'VALIDATION_FAILED'],
  [
    'the 1,001st',
    async ({ submit }) => {
      for (let index = 0; index <= 1_000; index++) await submit(next, { value: 1 }, { dedup: 'none' });
    },
    'TOO_MANY_FOLLOW_UPS',
  ],
  // Nobody awaits it, and it is not lost all the same.
  ['one that nobody awaits', ({ submit }) => void submit(next, { value: 10 }), 'VALIDATION_FAILED'],
];

test.each(refusals)('%s fails the attempt for good', async (_what, work, code) => {
  const id = await run(work, { maxAttempts: 5 });
  expect(await finished(pool, id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { error_type: new PermanentError('').name, error_code: code, retryable: false },
  });
  expect(await followUps()).toEqual([]);
});

test('1,000 are all submitted', async () => {
  const id = await run(async ({ submit }) => {
    await Promise.all(Array.from({ length: 1_000 }, () => submit(next, { value: 1 }, { dedup: 'none' })));
  });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(await followUps()).toHaveLength(1_000);
});

test('a workflow that is submitted so comes with its steps, and runs', async () => {
  const registeredHandlers = new Map([
    registeredHandler(first, (_payload, { submit }) => submit(diamond, { value: 5 })),
    ...registeredHandlersOf(pool, diamond, diamondCode),
  ]);
  await startTestRunner(pool, { registeredHandlers });
  const { id } = await submitOne(pool, { name: first.name, payload: { value: 1 }, initiator: 'me' });
  await finished(pool, id);
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.tasks where name = 'graph.diamond'`,
  );
  expect(await finished(pool, String(rows[0]?.id))).toMatchObject({
    state: 'succeeded',
    initiator: 'me',
    result: { value: 20 },
  });
});
