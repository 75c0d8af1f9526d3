import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type TaskContext } from '../../core/task.ts';
import type { Task } from '../../store/tasks.ts';
import { createDatabase } from '../support/database.ts';
import { executable, startTestRunner } from '../support/runner.ts';
import { finished, submitOne } from '../support/tasks.ts';
import { base } from './shapes.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from graphile_worker._private_jobs');
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
  const executables = new Map([executable(first, (_payload, context) => work(context))]);
  await startTestRunner(pool, { executables });
  const { id } = await submitOne(pool, { name: first.name, payload: { value: 1 }, maxAttempts: 1 });
  const task = await finished(pool, id);
  const { rows } = await pool.query<{ payload: unknown }>('select payload from errand.tasks where id <> $1', [
    id,
  ]);
  return { ...task, submitted: rows.map(({ payload }) => payload) };
}

type Told = { message: string; paths: string[] };

test.each<[string, Work, Told]>([
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
