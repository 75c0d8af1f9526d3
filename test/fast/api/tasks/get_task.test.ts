import { expect, test } from 'vitest';
import { PermanentError } from '../../../../core/errors.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, inState } from '../../../support/tasks.ts';
import { registryWith, textTask } from '../definitions.ts';

const { pool } = await createDatabase();
const FAST = { backoff: { initialMs: 1, maxMs: 1 }, dedup: { strategy: 'none' } } as const;
const flaky = textTask('record.flaky', FAST);
const api = await startApi(pool, { registry: registryWith(flaky) });

async function submit(text: string, options: Record<string, unknown> = {}): Promise<string> {
  const { body } = await api.call('POST', '/v1/tasks/record.flaky', { payload: { text }, ...options });
  return body.task.id;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('failed attempts and the success after them are all told, in order, with runner, start, end and error', async () => {
  const runner = await startTestRunner(pool, {
    registeredHandlers: new Map([
      registeredHandler(flaky, (_payload, { attempt, progress }) => {
        progress(0.5, 'half way');
        if (attempt === 1) throw new TypeError('first bad luck');
        if (attempt === 2) throw Object.assign(new Error('then worse'), { code: 'EWORSE' });
        return { attempts: attempt };
      }),
    ]),
  });
  const id = await submit('third time lucky');
  await finished(pool, id);
  const { status, body } = await api.call('GET', `/v1/tasks/${id}`);
  expect(status).toBe(200);
  const of = { id: runner.id, host: expect.any(String), pid: process.pid };
  const times = { started_at: expect.stringMatching(TIME), finished_at: expect.stringMatching(TIME) };
  const failed = { outcome: 'failed', runner: of, ...times };
  expect(body).toMatchObject({
    id,
    state: 'succeeded',
    attempt: 3,
    max_attempts: 25,
    payload: { text: 'third time lucky' },
    result: { attempts: 3 },
    error: null,
    runner_id: runner.id,
    progress: 0.5,
    progress_note: 'half way',
    created_at: expect.stringMatching(TIME),
    run_at: expect.stringMatching(TIME),
    ...times,
  });
  expect(body.attempts).toEqual([
    {
      attempt: 1,
      ...failed,
      error: {
        error_type: 'TypeError',
        message: 'first bad luck',
        error_code: null,
        retryable: true,
        metadata: null,
        stack: expect.stringMatching(/get_task\.test/),
      },
    },
    {
      attempt: 2,
      ...failed,
      error: expect.objectContaining({ message: 'then worse', error_code: 'EWORSE' }),
    },
    { attempt: 3, outcome: 'succeeded', runner: of, ...times, error: null },
  ]);
  const ends = body.attempts.flatMap((one: Record<string, string>) => [one.started_at, one.finished_at]);
  expect(ends.toSorted()).toEqual(ends);
  // The API makes the id, by Postgres's clock as it knows it: up to 100 ms ahead (store/database/server_clock.ts).
  expect(Date.parse(ends[0]) + 100).toBeGreaterThanOrEqual(Date.parse(body.created_at));
});

test('a permanent failure is one attempt, with its code and metadata', async () => {
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      registeredHandler(flaky, () => {
        throw new PermanentError('card declined', { code: 'DECLINED', metadata: { card: '…42' } });
      }),
    ]),
  });
  const id = await submit('declined');
  await finished(pool, id);
  const { body } = await api.call('GET', `/v1/tasks/${id}`);
  const error = {
    message: 'card declined',
    error_code: 'DECLINED',
    retryable: false,
    metadata: { card: '…42' },
  };
  expect(body).toMatchObject({ state: 'failed', attempt: 1, error, result: null });
  expect(body.attempts).toMatchObject([{ attempt: 1, outcome: 'failed', error }]);
});

test('an attempt under way is told as running, with its runner and without an end', async () => {
  let end = (): void => {};
  const runner = await startTestRunner(pool, {
    registeredHandlers: new Map([
      registeredHandler(flaky, (_payload, { attempt }) => {
        if (attempt === 1) throw new Error('once');
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      }),
    ]),
  });
  const id = await submit('long');
  await inState(pool, id, 'running');
  const { body } = await api.call('GET', `/v1/tasks/${id}`);
  expect(body).toMatchObject({ state: 'running', attempt: 2, finished_at: null });
  expect(body.attempts).toMatchObject([
    { attempt: 1, outcome: 'failed' },
    {
      attempt: 2,
      outcome: 'running',
      runner: { id: runner.id },
      started_at: expect.stringMatching(TIME),
      finished_at: null,
      error: null,
    },
  ]);
  end();
  await finished(pool, id);
});

test('a task that has not started has no attempts yet', async () => {
  const id = await submit('later', { delay_seconds: 600 });
  expect((await api.call('GET', `/v1/tasks/${id}`)).body).toMatchObject({
    state: 'scheduled',
    attempt: 1,
    attempts: [],
    started_at: null,
    finished_at: null,
    runner_id: null,
    progress: null,
    progress_note: null,
  });
});

test('results of every kind of JSON come back as they were returned', async () => {
  const results = [null, false, 0, -0.5, '', 'text 🚚', [], [1, [2]], {}, { a: { b: [null, true] } }];
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      registeredHandler(flaky, ({ text }: { text: string }) => results[Number(text)] as object),
    ]),
  });
  for (const [index, result] of results.entries()) {
    const id = await submit(`${index}`);
    await finished(pool, id);
    expect((await api.call('GET', `/v1/tasks/${id}`)).body).toMatchObject({ state: 'succeeded', result });
  }
});
