import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type TaskContext } from '../../../core/task.ts';
import type { Task } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished, submitOne } from '../../support/tasks.ts';
import { base } from './shapes.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

const first = defineTask({
  ...base,
  name: 'told.first',
  policy: { maxAttempts: 1, dedup: { strategy: 'none' } },
});
const next = defineTask({
  ...base,
  name: 'told.next',
  payload: z.strictObject({ value: z.number().max(9), note: z.string().optional() }),
  policy: { priority: 5, maxAttempts: 4, dedup: { strategy: 'payload' } },
});
const keyed = defineTask({ ...base, name: 'told.keyed', policy: { dedup: { strategy: 'key' } } });

type Work = (context: TaskContext) => unknown;

/** Runs one task whose handler does this, and gives it when it has ended, with the payloads that it has submitted. */
async function run(work: Work): Promise<Task & { submitted: unknown[] }> {
  const registeredHandlers = new Map([registeredHandler(first, (_payload, context) => work(context))]);
  await startTestRunner(pool, { registeredHandlers });
  const { id } = await submitOne(pool, { name: first.name, payload: { value: 1 }, maxAttempts: 1 });
  const task = await finished(pool, id);
  const { rows } = await pool.query<{ payload: unknown }>('select payload from errand.tasks where id <> $1', [
    id,
  ]);
  return { ...task, submitted: rows.map(({ payload }) => payload) };
}

type Sent = { message: string; paths: string[] };

test.each<[string, Work, Sent]>([
  [
    'every problem of a payload',
    async ({ submit }) => {
      await submit(next, { value: 1 });
      await submit(next, { value: 10, nothing: new Map() } as unknown as { value: number });
    },
    { message: 'Follow-up 1 does not fit told.next 1.0.0', paths: ['/follow_ups/1/payload/nothing'] },
  ],
  [
    'a value that does not fit',
    ({ submit }) => submit(next, { value: 10 }),
    { message: 'Follow-up 0 does not fit told.next 1.0.0', paths: ['/follow_ups/0/payload/value'] },
  ],
  [
    'NaN, which would arrive as null',
    ({ submit }) => submit(next, { value: Number.NaN }),
    { message: 'Follow-up 0 does not fit told.next 1.0.0', paths: ['/follow_ups/0/payload/value'] },
  ],
  [
    'no payload',
    ({ submit }) => submit(next, undefined as unknown as { value: number }),
    { message: 'Follow-up 0 does not fit told.next 1.0.0', paths: ['/follow_ups/0/payload'] },
  ],
  [
    'no key where one is needed',
    ({ submit }) => submit(keyed, { value: 1 }),
    { message: 'Follow-up 0 does not fit told.keyed 1.0.0', paths: ['/follow_ups/0/dedup_key'] },
  ],
  [
    'options that nothing could record',
    ({ submit }) => submit(next, { value: 10 }, { delayMs: -1, maxAttempts: 2.5, tags: [''] }),
    {
      message: 'Follow-up 0 does not fit told.next 1.0.0',
      paths: ['payload/value', 'delayMs', 'maxAttempts', 'tags/0'].map((path) => `/follow_ups/0/${path}`),
    },
  ],
  [
    'options beyond the bounds of HTTP',
    ({ submit }) =>
      submit(
        next,
        { value: 1 },
        { delayMs: 1e16, maxAttempts: 0, priority: 1_001, dedupKey: 'k'.repeat(513) },
      ),
    {
      message: 'Follow-up 0 does not fit told.next 1.0.0',
      paths: ['priority', 'delayMs', 'dedupKey', 'maxAttempts'].map((path) => `/follow_ups/0/${path}`),
    },
  ],
  [
    'a payload of more bytes than a request may have',
    ({ submit }) => submit(next, { value: 1, note: 'é'.repeat(5 * 1024 * 1024) }),
    { message: 'Follow-up 0 does not fit told.next 1.0.0', paths: ['/follow_ups/0/payload'] },
  ],
  [
    'a payload of more values than one may have',
    ({ submit }) => submit(next, { value: 1, list: Array(500_001).fill(1) } as unknown as { value: number }),
    { message: 'Follow-up 0 does not fit told.next 1.0.0', paths: ['/follow_ups/0/payload'] },
  ],
  [
    'a delay that would become none',
    ({ submit }) => submit(next, { value: 1 }, { delayMs: Number.NaN }),
    { message: 'Follow-up 0 does not fit told.next 1.0.0', paths: ['/follow_ups/0/delayMs'] },
  ],
])('the error names the follow-up and the path: %s', async (_what, work, { message, paths }) => {
  const { state, error, submitted } = await run(work);
  const details = error?.metadata?.details as { path: string }[];
  expect([state, error?.message, details.map(({ path }) => path)]).toEqual(['failed', message, paths]);
  expect(submitted).toEqual([]);
});

test('payloads that are too large together to be written with the outcome are refused', async () => {
  const { state, error, submitted } = await run(async ({ submit }) => {
    for (let count = 0; count < 8; count++) await submit(next, { value: 1, note: 'x'.repeat(9_000_000) });
  });
  expect([state, error?.error_code, submitted]).toEqual(['failed', 'VALIDATION_FAILED', []]);
  expect(error?.message).toMatch(
    /^The payloads of the 8 tasks that this attempt submits have more than 67108864 bytes/,
  );
});

test('a date in a payload arrives as ISO text, and what is undefined not at all', async () => {
  const dated = defineTask({
    ...base,
    name: 'told.dated',
    payload: z.strictObject({ at: z.date(), note: z.string().optional() }),
    example: { at: new Date(0) },
  });
  const at = new Date(0);
  const { state, submitted } = await run(({ submit }) => submit(dated, { at, note: undefined }));
  expect([state, submitted]).toEqual(['succeeded', [{ at: '1970-01-01T00:00:00.000Z' }]]);
});
