import { expect, test } from 'vitest';
import type { BatchHandler, BatchItem, BatchOutcome } from '../../../../core/batch_handler.ts';
import { PermanentError } from '../../../../core/errors.ts';
import { createDatabase } from '../../../support/database.ts';
import { finished, outcomes } from '../../../support/tasks.ts';
import { type Doubling, define, numbers, startBatched, submitAll } from './batched.ts';

const { pool } = await createDatabase();

const double = ({ payload }: BatchItem<Doubling>): BatchOutcome<Doubling> => ({
  result: { doubled: 2 * payload.n },
});
/** A batch waits until it is full: these tests decide its size. */
const WAIT_MS = 2_000;

let made = 0;
/** Runs as many tasks as a batch has, and gives them when they have finished. */
async function run(handleMany: BatchHandler<Doubling>, size: number, payloads = numbers(size)) {
  const definition = define(`outcomes.n${made++}`, { size, waitMs: WAIT_MS });
  const runner = await startBatched(pool, definition, handleMany);
  const tasks = await submitAll(pool, definition, payloads);
  const ended = await Promise.all(tasks.map(({ id }) => finished(pool, id)));
  await runner.stop();
  return ended;
}

test('each task of a batch has its own result, in the order of the items, from one call (Q11)', async () => {
  const calls: number[] = [];
  const ended = await run((items) => {
    calls.push(items.length);
    return items.map(double);
  }, 100);
  expect(calls).toEqual([100]);
  expect(ended.map(({ result }) => result)).toEqual(numbers(100).map(({ n }) => ({ doubled: 2 * n })));
  expect(await outcomes(pool, ended[7]?.id ?? '')).toEqual([[1, 'succeeded']]);
});

test('each task fails, is tried again or succeeds by itself, with its own log, progress and follow-ups', async () => {
  const attempts: number[][] = [];
  const [fails, again, succeeds] = await run(async (items) => {
    attempts.push(items.map(({ attempt }) => attempt));
    return Promise.all(
      items.map(async (item) => {
        const { payload, attempt, log, progress } = item;
        log.info({ n: payload.n }, 'doubling');
        progress(0.5, `half of ${payload.n}`);
        if (payload.n === 0) return { error: new PermanentError('no zero', { code: 'ZERO' }) };
        if (payload.n === 1 && attempt === 1) return { error: new Error('not yet') };
        return double(item);
      }),
    );
  }, 3);
  expect(fails).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { message: 'no zero', error_code: 'ZERO' },
  });
  expect(again).toMatchObject({ state: 'succeeded', attempt: 2, result: { doubled: 2 } });
  expect(succeeds).toMatchObject({ state: 'succeeded', attempt: 1, result: { doubled: 4 } });
  expect(await outcomes(pool, again?.id ?? '')).toEqual([
    [1, 'failed'],
    [2, 'succeeded'],
  ]);
  expect(attempts).toEqual([[1, 1, 1], [2]]);
  const { rows } = await pool.query(
    `select message, fields, attempt from errand.logs where task_id = $1 order by attempt`,
    [again?.id],
  );
  expect(rows).toEqual([
    { message: 'doubling', fields: { n: 1 }, attempt: 1 },
    { message: 'doubling', fields: { n: 1 }, attempt: 2 },
  ]);
});

test('an error that the handler throws is the error of each task, and each is tried again', async () => {
  let calls = 0;
  const ended = await run((items) => {
    if (calls++ === 0) throw new Error('the store is away');
    return items.map(double);
  }, 3);
  for (const task of ended) {
    expect(task).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(await outcomes(pool, task.id)).toEqual([
      [1, 'failed'],
      [2, 'succeeded'],
    ]);
  }
});

test.each([
  [
    'too few outcomes',
    (items: readonly unknown[]) => items.slice(1).map(() => ({ result: { doubled: 1 } })),
    'It gave 2',
  ],
  [
    'too many',
    (items: readonly unknown[]) => [...items, 1].map(() => ({ result: { doubled: 1 } })),
    'It gave 4',
  ],
  ['nothing', () => undefined, 'It gave no array but undefined'],
  ['a Map', () => new Map(), 'It gave no array but an object with no property'],
])('%s: each task fails for good, and the message says why', async (_what, handleMany, why) => {
  for (const task of await run(handleMany as unknown as BatchHandler<Doubling>, 3)) {
    expect(task).toMatchObject({ state: 'failed', attempt: 1, error: { error_code: 'INVALID_RESULT' } });
    expect(task.error?.message).toContain('with one outcome for each of its 3 tasks, in their order');
    expect(task.error?.message).toContain(why);
  }
});

test('an outcome that is wrong, or does not fit the schema, fails its own task alone', async () => {
  const given: unknown[] = [
    { result: { doubled: 'two' } },
    { doubled: 2 },
    7,
    null,
    { error: undefined },
    {
      get result(): never {
        throw new PermanentError('cannot be read');
      },
    },
    { result: { doubled: 12 }, error: undefined },
  ];
  const ended = await run(() => given as BatchOutcome<Doubling>[], given.length);
  expect(ended.map(({ state }) => state)).toEqual([...Array(6).fill('failed'), 'succeeded']);
  expect(ended.map(({ error }) => error?.message)).toEqual([
    expect.stringMatching(/^The result does not fit the schema of outcomes\.n\d+$/),
    expect.stringMatching(
      /^The outcome 1 of the batch handler of outcomes\.n\d+ must be \{ result \} or \{ error \}, got an object with doubled$/,
    ),
    expect.stringContaining('got number'),
    expect.stringContaining('got null'),
    expect.stringContaining('got an object with error'),
    'cannot be read',
    undefined,
  ]);
});

test('a task whose payload does not fit fails alone, and the others do not wait for it', async () => {
  const ended = await run((items) => items.map(double), 3, [{ n: 1 }, { n: 1.5 }, { n: 3 }]);
  expect(ended.map(({ state, error }) => [state, error?.error_code])).toEqual([
    ['succeeded', undefined],
    ['failed', 'VALIDATION_FAILED'],
    ['succeeded', undefined],
  ]);
});

test('a follow-up is submitted with the success of its own task, and not if that fails', async () => {
  const next = define('outcomes.next', { size: 1 });
  await run(
    (items) =>
      items.map((item) => {
        void item.submit(next as never, { n: item.payload.n } as never);
        return item.payload.n === 0 ? { error: new PermanentError('no zero') } : double(item);
      }),
    3,
  );
  const { rows } = await pool.query(
    `select payload->'n' as n from errand.tasks where name = 'outcomes.next' order by id`,
  );
  expect(rows).toEqual([{ n: 1 }, { n: 2 }]);
});
