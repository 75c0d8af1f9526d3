import { expect, test } from 'vitest';
import type { TaskContext } from '../../../../core/task.ts';
import { shownError } from '../../../../process/shown_error.ts';
import { toErrorRecord } from '../../../../runner/record/classify.ts';
import { listAttempts } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, inState, outcomes, submit } from '../../../support/tasks.ts';
import { define, start } from '../one_task.ts';
import { ODD_VALUES } from './odd_values.ts';

const { pool } = await createDatabase();

/** Each odd value goes through a handler of a task of its own, in one runner. */
async function throughHandlers(
  name: `${string}.${string}`,
  handle: (odd: unknown, context: TaskContext) => unknown,
) {
  const definition = define(name);
  const handler = (payload: unknown, context: TaskContext): unknown =>
    handle(ODD_VALUES[Number((payload as { value: string }).value)]?.[1], context);
  await startTestRunner(pool, { registeredHandlers: new Map([[name, { definition, handler }]]) });
  const tasks = await submit(
    pool,
    ...ODD_VALUES.map((_, index) => ({ name, payload: { value: String(index) }, maxAttempts: 2 })),
  );
  return Promise.all(tasks.map(({ id }) => finished(pool, id)));
}

test('whatever a handler throws is the failure of its attempt, bounded and readable', async () => {
  const tasks = await throughHandlers('odd.throw', (odd) => {
    throw odd;
  });
  for (const [index, [what, , message]] of ODD_VALUES.entries()) {
    const task = tasks[index];
    expect([what, task?.state, task?.attempt]).toEqual([what, 'failed', 2]);
    expect([what, task?.error?.message]).toEqual([what, message ?? expect.any(String)]);
    expect(JSON.stringify(task?.error).length).toBeLessThan(100_000);
    expect([what, await listAttempts(pool, task?.id ?? '')]).toMatchObject([
      what,
      [{ outcome: 'failed' }, {}],
    ]);
  }
});

test('an error that asks to wait without an end waits a year: its attempt is recorded, and the task can be read', async () => {
  const { id } = await start(pool, 'odd.wait', () => {
    throw Object.assign(new Error('later'), { retryAfterMs: 1e16 });
  });
  const task = await inState(pool, id, 'retrying');
  expect(task).toMatchObject({ error: { message: 'later' }, run_at: expect.stringMatching(/^20\d\d-/) });
  expect(await outcomes(pool, id)).toEqual([[1, 'failed']]);
});

test('whatever a handler gives, its task ends', async () => {
  for (const [index, task] of (await throughHandlers('odd.give', (odd) => odd)).entries()) {
    expect([ODD_VALUES[index]?.[0], task.state]).toEqual([
      ODD_VALUES[index]?.[0],
      expect.stringMatching(/^(succeeded|failed)$/),
    ]);
  }
});

test('whatever a handler logs, tells or submits, that alone is no trouble for it', async () => {
  const follow = define('odd.follow');
  const tasks = await throughHandlers('odd.tell', (odd, { log, progress, submit: submitNext }) => {
    log.info(odd as object, 'with it');
    log.warn({ err: odd, part: { odd } }, 'around it');
    log.error({}, 'text %s %o', odd as string, odd as object);
    progress(odd as number, odd as string);
    progress(1e-60);
    submitNext(follow, odd as object, odd as object).catch(() => {});
    log.info({ time: '+275760-09-13T00:00:00.000Z', level: 1e300, msg: odd }, 'odd fields');
    return 'told';
  });
  for (const [index, { state, error }] of tasks.entries()) {
    // What was submitted is refused, or is a task.
    expect([ODD_VALUES[index]?.[0], state, error?.error_code ?? 'VALIDATION_FAILED']).toEqual([
      ODD_VALUES[index]?.[0],
      expect.stringMatching(/^(succeeded|failed)$/),
      'VALIDATION_FAILED',
    ]);
  }
});

test('classifying and showing never throw', () => {
  for (const [, odd] of ODD_VALUES) {
    expect(() => JSON.stringify([toErrorRecord(odd), shownError(odd)])).not.toThrow();
  }
});
