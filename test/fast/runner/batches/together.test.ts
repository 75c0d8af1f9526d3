import { expect, test } from 'vitest';
import type { BatchHandler, BatchItem, BatchOutcome } from '../../../../core/batch_handler.ts';
import type { Task } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { finished, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { type Doubling, define, numbers, startBatched, submitAll } from './batched.ts';

const { pool } = await createDatabase();

const double = ({ payload }: BatchItem<Doubling>): BatchOutcome<Doubling> => ({
  result: { doubled: 2 * payload.n },
});

/** A handler that notes the numbers of each call, and how many calls there were at a time. */
function noting(work: () => Promise<void> = async () => {}) {
  const calls: { key: string; ns: number[] }[] = [];
  let [now, most] = [0, 0];
  const handleMany: BatchHandler<Doubling> = async (items, { key }) => {
    most = Math.max(most, ++now);
    calls.push({ key, ns: items.map(({ payload }) => payload.n) });
    await work();
    now--;
    return items.map(double);
  };
  return { calls, handleMany, most: () => most };
}

const all = (tasks: readonly Task[]) => Promise.all(tasks.map(({ id }) => finished(pool, id)));

test('a batch that is not full starts after waitMs', async () => {
  const definition = define('together.waits', { size: 100, waitMs: 300 });
  const { calls, handleMany } = noting();
  await startBatched(pool, definition, handleMany);
  const [task] = await submitAll(pool, definition, numbers(1));
  await finished(pool, task?.id ?? '');
  const { rows } = await pool.query(
    'select errand.duration_ms(finished_at - started_at) as ms from errand.tasks where id = $1',
    [task?.id],
  );
  expect(calls).toHaveLength(1);
  // The wait is a part of the attempt.
  expect(rows[0].ms).toBeGreaterThanOrEqual(299);
});

test('one batch holds one slot: tasks that come one by one fill a batch in a runner with a single slot', async () => {
  const definition = define('together.slot', { size: 20, waitMs: 5_000 });
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const { calls, handleMany, most } = noting(() => opened);
  const runner = await startBatched(pool, definition, handleMany, { concurrency: 1 });
  // Each has a dispatch to itself.
  const tasks: Task[] = [];
  for (const payload of numbers(61)) tasks.push(await submitOne(pool, { name: definition.name, payload }));
  await until('a batch has started', () => calls.length > 0);
  await until('the runner has no more to fetch', () => runner.load().dispatchesInHand > 20);
  open();
  await all(tasks);
  expect(most()).toBe(1);
  expect(calls.flatMap(({ ns }) => ns).toSorted((a, b) => a - b)).toEqual(numbers(61).map(({ n }) => n));
  // Those that waited for the slot came together.
  expect(Math.max(...calls.slice(1).map(({ ns }) => ns.length))).toBe(20);
  expect(calls.length).toBeLessThanOrEqual(8);
});

test('tasks of different keys or versions never share a batch', async () => {
  const definition = define('together.keys', { size: 10, waitMs: 100, key: ({ key }) => key });
  const { calls, handleMany } = noting();
  await startBatched(pool, definition, handleMany);
  const payloads = numbers(40).map(({ n }) => ({ n, key: ['a', 'b'][n % 2] ?? '' }));
  const tasks = await submitAll(pool, definition, payloads);
  const payload = { n: 100, key: 'a' };
  tasks.push(await submitOne(pool, { name: definition.name, payload, version: '0.9.0' }));
  await all(tasks);
  for (const { key, ns } of calls) {
    if (ns.includes(100)) expect(ns).toEqual([100]);
    else expect(new Set(ns.map((n) => ['a', 'b'][n % 2]))).toEqual(new Set([key]));
  }
  expect(calls.map(({ ns }) => ns.length).toSorted((a, b) => a - b)).toEqual([1, 10, 10, 10, 10]);
});

test('a task whose key cannot be computed fails for good, and the others run', async () => {
  const definition = define('together.odd_keys', {
    ...{ size: 10, waitMs: 50 },
    key({ n }) {
      if (n === 1) throw new Error('no key');
      return n === 2 ? (2 as unknown as string) : 'same';
    },
  });
  const { calls, handleMany } = noting();
  await startBatched(pool, definition, handleMany);
  const tasks = await submitAll(pool, definition, numbers(4));
  const ended = await Promise.all(tasks.map(({ id }) => finished(pool, id)));
  expect(calls.map(({ ns }) => ns)).toEqual([[0, 3]]);
  expect(ended.map(({ error }) => error?.error_code)).toEqual([
    ...[undefined, 'INVALID_BATCH_KEY', 'INVALID_BATCH_KEY', undefined],
  ]);
  expect(ended[1]?.error?.message).toContain('could not be computed, because its function threw an error');
  expect(ended[2]?.error?.message).toContain('must be a text, got number');
});

test('a payload that is too large to come with its dispatch has its key, too', async () => {
  const definition = define('together.large', { size: 2, waitMs: 2_000, key: ({ key }) => key });
  const { calls, handleMany } = noting();
  await startBatched(pool, definition, handleMany);
  // Noise, which no compression makes small.
  const { rows } = await pool.query(
    `select string_agg(md5(n::text), '') as noise from generate_series(1, 5000) n`,
  );
  await all(await submitAll(pool, definition, numbers(2, { key: rows[0].noise })));
  expect(calls.map(({ ns }) => ns.length)).toEqual([2]);
});

test('a limit below the size of a batch is the size: nothing waits for a task that cannot start (Q11)', async () => {
  const definition = define('together.limited', { size: 20, waitMs: 10_000 }, { concurrency: 3 });
  const { calls, handleMany, most } = noting();
  await startBatched(pool, definition, handleMany);
  await all(await submitAll(pool, definition, numbers(30)));
  expect(Math.max(...calls.map(({ ns }) => ns.length))).toBe(3);
  expect(most()).toBeLessThanOrEqual(3);
  expect(calls.flatMap(({ ns }) => ns)).toHaveLength(30);
  const { rows } = await pool.query('select from errand.limit_slots');
  expect(rows).toEqual([]);
});

test('a limit of one runner holds for the tasks of a batch', async () => {
  const definition = define(
    'together.share',
    { size: 20, waitMs: 50 },
    { concurrency: { limit: 4, scope: 'runner' } },
  );
  const { calls, handleMany } = noting();
  await startBatched(pool, definition, handleMany);
  await all(await submitAll(pool, definition, numbers(12)));
  expect(Math.max(...calls.map(({ ns }) => ns.length))).toBe(4);
});

test('a task that may have killed its runner is a batch of one', async () => {
  const definition = define('together.suspect', { size: 10, waitMs: 100 });
  const { calls, handleMany } = noting();
  const tasks = await submitAll(pool, definition, numbers(5));
  await pool.query('update errand.tasks set crashes = 1 where id = $1', [tasks[2]?.id]);
  await startBatched(pool, definition, handleMany);
  await all(tasks);
  expect(calls.map(({ ns }) => ns).toSorted((a, b) => a.length - b.length)).toEqual([[2], [0, 1, 3, 4]]);
});
