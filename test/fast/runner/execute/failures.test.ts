import { expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../../../core/errors.ts';
import { listAttempts } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { retryTask } from '../../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, inState, outcomes, submitOne } from '../../../support/tasks.ts';
import { define, run } from '../one_task.ts';

const { pool } = await createDatabase();

test('a thrown error is tried again and its attempts are kept', async () => {
  const task = await run(pool, 't.retry', (_payload, { attempt }) => {
    if (attempt < 3)
      throw Object.assign(new TypeError(`failed ${attempt}`), { code: 'E_X', metadata: { at: attempt } });
    return 'at last';
  });
  expect(task).toMatchObject({ state: 'succeeded', result: 'at last', attempt: 3, error: null });
  expect(await listAttempts(pool, task.id)).toMatchObject([
    {
      attempt: 1,
      outcome: 'failed',
      error: {
        error_type: 'TypeError',
        message: 'failed 1',
        error_code: 'E_X',
        retryable: true,
        metadata: { at: 1 },
      },
    },
    {
      attempt: 2,
      outcome: 'failed',
      error: { message: 'failed 2', stack: expect.stringContaining('TypeError') },
    },
    { attempt: 3, outcome: 'succeeded', error: null },
  ]);
});

test('a task whose attempts are used up has failed, and a retry gives it one more', async () => {
  const task = await run(
    pool,
    't.exhaust',
    (_payload, { attempt }) => {
      if (attempt < 3) throw new Error(`failed ${attempt}`);
      return attempt;
    },
    { maxAttempts: 2 },
  );
  expect(task).toMatchObject({ state: 'failed', attempt: 2, error: { message: 'failed 2' } });
  await retryTask(pool, task.id);
  expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded', attempt: 3, max_attempts: 3 });
  expect(await outcomes(pool, task.id)).toEqual([
    [1, 'failed'],
    [2, 'failed'],
    [3, 'succeeded'],
  ]);
});

test('a PermanentError is not tried again', async () => {
  const task = await run(pool, 't.permanent', () => {
    throw new PermanentError('no use', { code: 'NO_USE' });
  });
  expect(task).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { error_type: 'PermanentError', error_code: 'NO_USE', retryable: false },
  });
});

test('a payload that does not parse any more fails for good, with the details that HTTP gives', async () => {
  const task = await run(pool, 't.unfit', () => 'never', { payload: { value: 5, other: 1 } });
  expect(task).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { error_code: 'VALIDATION_FAILED', retryable: false },
  });
  expect(task.error?.metadata?.details).toContainEqual({
    path: '/payload/value',
    message: expect.stringContaining('string'),
  });
});

test('a result that does not fit its schema, or that Postgres can not hold, fails for good', async () => {
  const unfit = await run(pool, 't.bad_result', () => ({ n: 'one' }), {
    result: z.strictObject({ n: z.int() }),
  });
  expect(unfit).toMatchObject({ state: 'failed', error: { error_code: 'INVALID_RESULT' } });
  const nul = await run(pool, 't.nul_result', () => ({ text: 'a\u0000b' }));
  expect(nul.error).toMatchObject({
    error_code: 'INVALID_RESULT',
    metadata: { details: [{ path: '/result/text' }] },
  });
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  expect(await run(pool, 't.circular', () => circular)).toMatchObject({
    error: { error_code: 'INVALID_RESULT' },
  });
});

test('an error text that Postgres can not hold is recorded all the same', async () => {
  const task = await run(
    pool,
    't.bad_text',
    () => {
      throw Object.assign(new Error('nul \u0000 and half \ud800'), {
        name: 'B\u0000d',
        code: '\u0000',
        metadata: { '\u0000': 1 },
      });
    },
    { maxAttempts: 1 },
  );
  expect(task).toMatchObject({
    state: 'failed',
    error: { message: 'nul \ufffd and half \ufffd', error_type: 'B\ufffdd' },
  });
});

test('what is thrown need not be an Error', async () => {
  const task = await run(
    pool,
    't.non_error',
    () => {
      throw { reason: 'odd' };
    },
    { maxAttempts: 1 },
  );
  expect(task.error).toMatchObject({ error_type: 'NonError', message: '{"reason":"odd"}' });
});

test('an error can ask for a longer delay than the backoff', async () => {
  const definition = define('t.retry_after');
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      registeredHandler(definition, () => {
        throw Object.assign(new Error('busy'), { retryAfterMs: 3_600_000 });
      }),
    ]),
  });
  const { id } = await submitOne(pool, { name: 't.retry_after', payload: {} });
  const task = await inState(pool, id, 'retrying');
  expect(Date.parse(task.run_at) - Date.parse(task.created_at)).toBeGreaterThan(3_500_000);
});
