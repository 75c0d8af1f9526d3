import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { BatchHandler, BatchItem, BatchOutcome } from '../../../../core/batch_handler.ts';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask } from '../../../support/operator.ts';
import { finished, inState, outcomes, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { type Doubling, define, numbers, startBatched, submitAll } from './batched.ts';

const { pool } = await createDatabase();

const double = ({ payload }: BatchItem<Doubling>): BatchOutcome<Doubling> => ({
  result: { doubled: 2 * payload.n },
});
const statesOf = async (ids: string[]): Promise<string[]> =>
  (await Promise.all(ids.map((id) => finished(pool, id)))).map(({ state }) => state);

test('a task that is cancelled while its batch collects is not given to the handler', async () => {
  const definition = define('ends.collecting', { size: 100, waitMs: 3_000 });
  const given: number[][] = [];
  await startBatched(pool, definition, (items) => {
    given.push(items.map(({ payload }) => payload.n));
    return items.map(double);
  });
  const ids = (await submitAll(pool, definition, numbers(3))).map(({ id }) => id);
  await inState(pool, ids[1] ?? '', 'running');
  await cancelTask(pool, ids[1] ?? '');
  expect(await statesOf(ids)).toEqual(['succeeded', 'cancelled', 'succeeded']);
  expect(given).toEqual([[0, 2]]);
});

test('a task that is cancelled while its batch runs ends alone: its signal is aborted, and that of the batch is not', async () => {
  const definition = define('ends.running', { size: 3, waitMs: 2_000 });
  const cancelled = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let isBatchAborted: boolean | null = null;
  await startBatched(
    pool,
    definition,
    async (items, { signal }) => {
      items[1]?.signal.addEventListener('abort', () => cancelled.resolve());
      await goOn.promise;
      isBatchAborted = signal.aborted;
      return items.map(double);
    },
    { abortGraceSecs: 0.3 },
  );
  const ids = (await submitAll(pool, definition, numbers(3))).map(({ id }) => id);
  await inState(pool, ids[1] ?? '', 'running');
  await cancelTask(pool, ids[1] ?? '');
  await cancelled.promise;
  expect(await finished(pool, ids[1] ?? '')).toMatchObject({ state: 'cancelled' });
  goOn.resolve();
  expect(await statesOf(ids)).toEqual(['succeeded', 'cancelled', 'succeeded']);
  expect(isBatchAborted).toBe(false);
});

test('the time of all is over: the signal of the batch is aborted, and each attempt is recorded as timed out', async () => {
  const definition = define('ends.late', { size: 3, waitMs: 100 }, { timeoutMs: 500, maxAttempts: 1 });
  await startBatched(pool, definition, async (items, { signal }) => {
    await pause(600_000, undefined, { signal });
    return items.map(double);
  });
  const ids = (await submitAll(pool, definition, numbers(3))).map(({ id }) => id);
  expect(await statesOf(ids)).toEqual(['failed', 'failed', 'failed']);
  for (const id of ids) expect(await outcomes(pool, id)).toEqual([[1, 'timed_out']]);
});

test('a handler that never returns is given up: each attempt ends, and its slot is free for the next batch', async () => {
  const definition = define('ends.deaf', { size: 3, waitMs: 100 }, { timeoutMs: 500, maxAttempts: 1 });
  let calls = 0;
  const handleMany: BatchHandler<Doubling> = (items) =>
    calls++ === 0 ? new Promise(() => {}) : items.map(double);
  await startBatched(pool, definition, handleMany, { concurrency: 1, abortGraceSecs: 0.3 });
  const ids = (await submitAll(pool, definition, numbers(3))).map(({ id }) => id);
  for (const id of ids)
    expect(await finished(pool, id)).toMatchObject({ state: 'failed', error: { error_code: 'TIMEOUT' } });
  const next = await submitOne(pool, { name: definition.name, payload: { n: 5 } });
  expect(await finished(pool, next.id)).toMatchObject({ state: 'succeeded', result: { doubled: 10 } });
});

test('a runner that stops starts a batch that still collects at once, and it ends', async () => {
  const definition = define('ends.stop', { size: 100, waitMs: 10_000 });
  // If it waited for its time, its attempts would be interrupted.
  const runner = await startBatched(pool, definition, (items) => items.map(double), {
    shutdownTimeoutSecs: 1,
  });
  const ids = (await submitAll(pool, definition, numbers(3))).map(({ id }) => id);
  await inState(pool, ids[0] ?? '', 'running');
  await runner.stop();
  for (const id of ids) {
    expect(await finished(pool, id, 1)).toMatchObject({ state: 'succeeded', attempt: 1 });
  }
});

test('a runner that has lost its lease does not start the batch that it collected', async () => {
  const definition = define('ends.lost', { size: 100, waitMs: 10_000 });
  let calls = 0;
  const runner = await startBatched(pool, definition, (items) => {
    calls++;
    return items.map(double);
  });
  const [task] = await submitAll(pool, definition, numbers(1));
  await inState(pool, task?.id ?? '', 'running');
  await runner.leave();
  expect(calls).toBe(0);
});

test('attempts that are aborted at the shutdown are interrupted, which costs no attempt', async () => {
  const definition = define('ends.interrupted', { size: 3, waitMs: 100 });
  const runner = await startBatched(
    pool,
    definition,
    async (items, { signal }) => {
      await pause(600_000, undefined, { signal });
      return items.map(double);
    },
    { shutdownTimeoutSecs: 0.1 },
  );
  const ids = (await submitAll(pool, definition, numbers(3))).map(({ id }) => id);
  await until('they run', () => runner.load().names.length === 3);
  await inState(pool, ids[0] ?? '', 'running');
  await runner.stop();
  for (const id of ids) expect(await inState(pool, id, 'queued')).toMatchObject({ attempt: 2 });
  for (const id of ids) expect(await outcomes(pool, id)).toEqual([[1, 'interrupted']]);
});
