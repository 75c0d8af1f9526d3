import { beforeEach, expect, test } from 'vitest';
import type { Dedup } from '../../../../core/definitions/dedup.ts';
import { type Submission, submitTasks } from '../../../../store/submit/submit.ts';
import { submitBatch } from '../../../../store/submit/submit_batch.ts';
import { isPlain, submitNew } from '../../../../store/submit/submit_new.ts';
import type { Task } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { countDispatches, submit } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

const BY_KEY: Dedup = { dedup: 'key', key: 'one' };
const plain: Submission = {
  ...{ name: 's.x', version: '2.1.0', payload: { text: 'ä "quoted" \\ {}', list: [1, null] } },
  ...{ priority: 3, maxAttempts: 7, runAt: null, delayMs: null, dedup: { dedup: null, key: null } },
  ...{
    dedupWindowMs: null,
    tags: ['a', 'b'],
    initiator: 'user:ann',
    sourceSystem: 'shop',
    reason: 'because',
  },
  ...{ requestId: 'r-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
};
const bare: Submission = {
  ...{ ...plain, payload: {}, tags: [], initiator: null, sourceSystem: null, reason: null },
  ...{ requestId: null, traceparent: null },
};

/** What a task is, but for when it was made. */
function shapeOf(task: Task | null | undefined): Partial<Task> | null {
  if (task === null || task === undefined) return null;
  const { id: _id, created_at: _created, run_at: _run, ...shape } = task;
  return shape;
}

const VARIANTS: [string, Submission][] = [
  ['with everything', plain],
  ['with as little as there can be', bare],
  ['for later', { ...plain, delayMs: 3_600_000 }],
  ['for a time', { ...plain, runAt: '2100-01-01T00:00:00Z' }],
  ['by its payload', { ...plain, dedup: { dedup: 'payload', key: null }, dedupWindowMs: 60_000 }],
  ['by a key', { ...plain, dedup: BY_KEY }],
  ['by an Idempotency-Key', { ...plain, dedup: { dedup: 'idempotency_key', key: 'two' } }],
];

test.each(VARIANTS)('a new task %s is what the statement for all makes of it', async (_what, submission) => {
  const [made] = await submitNew(pool, [submission]);
  await pool.query('update errand.tasks set dedup_hash = null');
  const [other] = await submitTasks(pool, [submission]);
  expect([other?.outcome, shapeOf(made)]).toEqual(['created', shapeOf(other?.task)]);
  const { rows } = await pool.query<{ run_in: number; dispatched: boolean; until: number | null }>(
    `select extract(epoch from t.run_at - errand.uuid_time(t.id))::float8 as run_in,
            j.payload::jsonb = jsonb_build_array(t.id) and j.run_at = t.run_at and j.priority = t.priority as dispatched,
            extract(epoch from t.dedup_until - errand.uuid_time(t.id))::float8 as until
       from errand.tasks t
       left join errand_worker._private_jobs j on j.key = t.dispatch_id::text
      order by t.id`,
  );
  const [first, second] = rows;
  expect(rows).toHaveLength(2);
  expect([first?.dispatched, second?.dispatched]).toEqual([true, true]);
  expect(first?.run_in).toBeCloseTo(second?.run_in ?? Number.NaN, submission.runAt === null ? -1 : -4);
  if (submission.dedupWindowMs !== null) expect(first?.until).toBeCloseTo(60, 0);
});

test('what meets a duplicate is left alone: one that is there, one of the same call, one whose window is over', async () => {
  const [there] = await submit(pool, { ...plain, dedup: BY_KEY });
  const windowed = { ...plain, name: 's.z', dedup: BY_KEY, dedupWindowMs: 1 };
  const [over] = await submit(pool, windowed);
  const twice = { ...plain, name: 's.y', dedup: BY_KEY };
  const before = await pool.query('select * from errand.tasks where id = any ($1)', [[there?.id, over?.id]]);
  const dispatches = await countDispatches(pool);

  const made = await submitNew(pool, [{ ...plain, dedup: BY_KEY }, twice, bare, twice, windowed]);

  expect(made.map((task) => task?.name ?? null)).toEqual([null, 's.y', 's.x', null, null]);
  expect(await countDispatches(pool)).toBe(dispatches + 2);
  const after = await pool.query('select * from errand.tasks where id = any ($1)', [[there?.id, over?.id]]);
  expect(after.rows).toEqual(before.rows);
  // The statement for all knows that the window is over.
  expect((await submitTasks(pool, [windowed])).map(({ outcome }) => outcome)).toEqual(['created']);
});

test('tasks come in the order of their submissions, which is that of their ids', async () => {
  const keyed = (key: string): Submission => ({ ...plain, dedup: { dedup: 'key', key } });
  const submissions = ['d', 'a', 'c', 'b'].flatMap((key) => [keyed(key), bare]);
  const made = await submitNew(pool, submissions);
  expect(made.map((task) => task?.dedup_key ?? null)).toEqual(['d', null, 'a', null, 'c', null, 'b', null]);
  const ids = made.map((task) => task?.id ?? '');
  expect(ids.toSorted()).toEqual(ids);
});

test('a batch that nothing can be a duplicate of shares its dispatches, and keeps its order', async () => {
  const submissions = Array.from(
    { length: 250 },
    (_, number): Submission => ({ ...bare, payload: { number } }),
  );
  const submitted = await submitBatch(pool, submissions);
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.tasks order by (payload ->> 'number')::integer`,
  );
  expect(submitted).toEqual(rows.map(({ id }) => ({ outcome: 'created', task: { id, state: 'queued' } })));
  expect(await countDispatches(pool)).toBe(3);
});

test('what makes more than a task is not plain', () => {
  expect(isPlain(plain)).toBe(true);
  const url = 'https://example.com/hook';
  const more: Partial<Submission>[] = [
    { callbackUrl: url },
    { callbackOf: '00000000-0000-4000-8000-000000000000' },
    { parentId: '00000000-0000-4000-8000-000000000000' },
    { steps: [] },
  ];
  for (const one of more) expect([one, isPlain({ ...plain, ...one })]).toEqual([one, false]);
});
