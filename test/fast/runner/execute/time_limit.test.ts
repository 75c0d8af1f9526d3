import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startFileRunner } from '../../../support/runner.ts';
import { finished, outcomes, submitOne } from '../../../support/tasks.ts';
import { define as defineBatch, startBatched } from '../batches/batched.ts';

const { pool } = await createDatabase();

function define(name: string, timeoutMs: number): TaskDefinition {
  return defineTask({
    ...{ name, version: '1.0.0', description: 'For a test', payload: z.strictObject({}), example: {} },
    policy: { timeoutMs, maxAttempts: 1, dedup: { strategy: 'none' } },
  }) as unknown as TaskDefinition;
}

const long = define('limit.long', 600_000);
const short = define('limit.short', 1);
const parent = define('limit.parent', 600_000);
await registerDefinitions(pool, [long, short, parent]);

const runner = await startFileRunner(pool, {
  abortGraceSecs: 0.3,
  registeredHandlers: new Map([
    registeredHandler(long, (_payload, { signal }) => pause(600_000, null, { signal })),
    // Far longer than the limit of its policy, at which it would be aborted.
    registeredHandler(short, (_payload, { signal }) => pause(1_500, 'in time', { signal })),
    registeredHandler(parent, async (_payload, { submit }) => {
      await submit(long as TaskDefinition<'limit.long', z.ZodObject>, {}, { timeoutMs: 70 });
    }),
  ]),
});
afterAll(() => runner.stop());

test('S11: an attempt has the time limit of its submission, which may be shorter than that of the policy', async () => {
  const { id } = await submitOne(pool, { name: 'limit.long', payload: {}, maxAttempts: 2, timeoutMs: 50 });
  expect(await finished(pool, id)).toMatchObject({
    state: 'failed',
    error: { error_code: 'TIMEOUT', message: 'The attempt took longer than 50 ms' },
  });
  // Each attempt has it.
  expect(await outcomes(pool, id)).toEqual([
    [1, 'timed_out'],
    [2, 'timed_out'],
  ]);
});

test('it may be longer than that of the policy', async () => {
  const { id } = await submitOne(pool, { name: 'limit.short', payload: {}, timeoutMs: 600_000 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: 'in time' });
  const without = await submitOne(pool, { name: 'limit.short', payload: {}, maxAttempts: 1 });
  expect(await finished(pool, without.id)).toMatchObject({
    state: 'failed',
    error: { error_code: 'TIMEOUT' },
  });
});

test('a follow-up may have one', async () => {
  const { id } = await submitOne(pool, { name: 'limit.parent', payload: {} });
  await finished(pool, id);
  const { rows } = await pool.query<{ id: string }>('select id from errand.tasks where submitted_by = $1', [
    `task:${id}`,
  ]);
  expect(await finished(pool, rows[0]?.id ?? '')).toMatchObject({
    timeout_seconds: 0.07,
    error: { message: 'The attempt took longer than 70 ms' },
  });
});

test('in a batch it does not wait for others beyond its limit', async () => {
  const definition = defineBatch('limit.batched', { size: 100, waitMs: 10_000 });
  const given: number[] = [];
  await startBatched(pool, definition, (items) => {
    given.push(items.length);
    return items.map(({ payload }) => ({ result: { doubled: 2 * payload.n } }));
  });
  // As long as the wait: it would be over before the batch starts.
  const task = { name: definition.name, payload: { n: 4 }, maxAttempts: 1, timeoutMs: 10_000 };
  const { id } = await submitOne(pool, task);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { doubled: 8 } });
  expect(given).toEqual([1]);
});
