import { expect, test } from 'vitest';
import { at, codesOf, error, explained, NAMED, RETRY, RUNNER } from './explaining.ts';

const ENDED = { attempt: 3, started_at: at(-62), finished_at: at(-60) } as const;

test('succeeded: with which attempt, in what time, where', () => {
  const { reasons, last_error } = explained({
    task: { ...ENDED, state: 'succeeded' },
    runner: RUNNER,
    failure: { attempt: 2, outcome: 'failed', error: error('before') },
    queue: null,
  });
  expect(reasons).toEqual([
    {
      code: 'succeeded',
      message: 'Attempt 3 of 25 succeeded in 2 s by runner 3 (one, pid 42)',
      since: at(-60),
      runner: NAMED,
    },
  ]);
  expect(last_error?.message).toBe('before');
  const bare = explained({ task: { state: 'succeeded' }, queue: null });
  expect(bare.reasons).toEqual([{ code: 'succeeded', message: 'Attempt 1 of 25 succeeded' }]);
});

test('failed for good', () => {
  const { reasons, next_steps } = explained({
    task: { ...ENDED, state: 'failed', error: error('card stolen', { retryable: false }) },
    queue: null,
  });
  expect(reasons).toEqual([
    {
      code: 'failed_permanently',
      message: 'Attempt 3 failed with an error that another attempt cannot correct, Error: card stolen',
      since: at(-60),
    },
  ]);
  expect(next_steps).toEqual([`Correct the cause: ${RETRY}`]);
});

test('out of attempts', () => {
  const many = explained({
    task: { ...ENDED, max_attempts: 3, state: 'failed', error: error('x'.repeat(1_000)) },
    queue: null,
  });
  expect(many.reasons).toEqual([
    {
      code: 'attempts_exhausted',
      message: `All its 3 attempts are used up, and the last one failed with Error: ${'x'.repeat(193)}…`,
      since: at(-60),
    },
  ]);
  expect(many.last_error?.message).toHaveLength(1_000);
  const one = explained({ task: { ...ENDED, max_attempts: 1, state: 'failed', error: null }, queue: null });
  expect(one.reasons[0]?.message).toBe(
    'Its one attempt is used up, and the last one failed with an error that was not kept',
  );
});

test('timed out at the last attempt', () => {
  const timeout = error('The attempt took longer than 50 ms', {
    error_type: 'TimeoutError',
    error_code: 'TIMEOUT',
  });
  const { reasons, next_steps } = explained({
    task: { ...ENDED, max_attempts: 3, state: 'failed', error: timeout },
    failure: { attempt: 3, outcome: 'timed_out', error: timeout },
    queue: null,
  });
  expect(reasons.map(({ code }) => code)).toEqual(['timed_out', 'attempts_exhausted']);
  expect(reasons[0]?.message).toBe(
    'Attempt 3 exceeded its time limit, TimeoutError: The attempt took longer than 50 ms',
  );
  expect(next_steps).toHaveLength(2);
  const own = explained({
    task: { ...ENDED, max_attempts: 3, state: 'failed', error: timeout, own_timeout_ms: 50 },
    failure: { attempt: 3, outcome: 'timed_out', error: timeout },
    queue: null,
  });
  expect(own.next_steps[0]).toMatch(/submit it again with more timeout_seconds$/);
});

test('quarantined', () => {
  const { reasons, next_steps } = explained({
    task: {
      ...ENDED,
      state: 'failed',
      crashes: 3,
      error: error('Quarantined: …', { error_code: 'QUARANTINED', retryable: false }),
    },
    queue: null,
  });
  expect(reasons).toEqual([
    {
      code: 'quarantined',
      message: 'Its runner died 3 times while the task ran, so the task is quarantined',
      since: at(-60),
    },
  ]);
  expect(next_steps).toEqual([`Before you retry it, find out why its runners died: ${RETRY}`]);
});

test('a payload that does not fit', () => {
  const explanation = explained({
    task: {
      ...ENDED,
      state: 'failed',
      error: error('…', { error_code: 'VALIDATION_FAILED', retryable: false }),
    },
    queue: null,
  });
  expect(codesOf(explanation)).toEqual(['payload_invalid']);
  expect(explanation.next_steps[0]).toMatch(/^POST .*resubmit replaces it by a task with a valid payload/);
});

test('cancelled: by whom, when and why, as far as it is kept', () => {
  const task = { ...ENDED, state: 'cancelled', cancel_requested_at: at(-70) } as const;
  const act = { actor: 'Ann', at: at(-70), reason: 'sent by post' };
  const known = explained({ task, act, queue: null });
  expect(known.reasons).toEqual([
    {
      code: 'cancelled',
      message: 'Ann cancelled it 1.2 min ago, because: sent by post',
      since: at(-70),
      actor: 'Ann',
      reason: 'sent by post',
    },
  ]);
  expect(known.summary).toBe(
    'billing.send was cancelled: Ann cancelled it 1.2 min ago, because: sent by post.',
  );
  expect(known.next_steps).toEqual([`To run it after all: ${RETRY}`]);
  const unknown = explained({ task, queue: null });
  expect(unknown.reasons).toEqual([
    { code: 'cancelled', message: 'Somebody cancelled it 1.2 min ago', since: at(-70) },
  ]);
});

test('resolved', () => {
  const task = { ...ENDED, state: 'resolved' } as const;
  const act = { actor: 'user:ann', at: at(-60), reason: null };
  const known = explained({ task, act, queue: null });
  expect(known.reasons[0]).toMatchObject({ code: 'resolved', actor: 'user:ann', reason: null });
  expect(known.summary).toBe('billing.send was resolved by hand: user:ann resolved it 1 min ago.');
  expect(known.next_steps).toEqual([]);
  expect(explained({ task, queue: null }).reasons[0]?.since).toBe(at(-60));
  expect(explained({ task: { state: 'resolved', finished_at: null }, queue: null }).reasons[0]?.since).toBe(
    at(0),
  );
});
