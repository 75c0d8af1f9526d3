import { expect, test } from 'vitest';
import { at, codesOf, error, explained, familyOf, member, RUNNER } from './explaining.ts';

const ID = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';

test('a failed workflow names what failed, how often, and what can be done', () => {
  const failed = Array.from({ length: 12 }, (_, index) => member(`s${index}`, 'failed', { message: 'no' }));
  const { reasons, next_steps } = explained({
    task: {
      state: 'failed',
      children: 13,
      finished_at: at(-5),
      error: error('…', { error_code: 'STEP_FAILED', retryable: false }),
    },
    family: familyOf(member('done', 'succeeded'), ...failed),
    queue: null,
  });
  expect(reasons).toMatchObject([
    {
      code: 'step_failed',
      message: expect.stringMatching(
        /^12 of 13 steps did not succeed: s0 \(failed: no\), .*, s9 \(failed: no\) and 2 more$/,
      ),
      since: at(-5),
    },
  ]);
  expect(reasons[0]?.tasks).toHaveLength(12);
  expect(next_steps).toHaveLength(4);
  expect(next_steps[0]).toBe(
    `Correct the cause. Then PATCH /v1/tasks/${ID}/retry runs the failed parts again, and the task continues`,
  );
  const list = explained({
    task: { state: 'failed', children: 100, error: error('…', { error_code: 'STEP_FAILED' }) },
    family: { done: 1, failed: 99, members: [member('a', 'failed', { step: null })] },
  });
  expect(list.reasons[0]?.message).toBe(
    '99 of 100 children did not succeed: billing.send.a (failed) and 98 more',
  );
});

test('a workflow whose own part failed is explained like any task', () => {
  for (const given of [{ family: null }, { family: familyOf(member('a', 'succeeded')) }]) {
    const task = {
      state: 'failed',
      error: error('no output', { error_code: 'STEP_FAILED', retryable: false }),
    } as const;
    expect(codesOf(explained({ ...given, task }))).toEqual(['failed_permanently']);
  }
});

test('a workflow that succeeded tells of its steps, and what has children of these', () => {
  const task = { state: 'succeeded', started_at: at(-62), finished_at: at(-60), children: 2 } as const;
  const messageOf = (given: Parameters<typeof explained>[0]): string | undefined =>
    explained({ queue: null, runner: RUNNER, ...given }).reasons[0]?.message;
  const steps = [
    member('a', 'succeeded'),
    member('b', 'resolved'),
    member('on_failure-1', 'succeeded'),
    member('on_failure', 'succeeded', { skipped: true }),
  ];
  expect(messageOf({ task, family: familyOf(...steps) })).toBe('All its 2 steps are done, in 2 s');
  expect(
    messageOf({
      task: { ...task, finished_at: null },
      family: familyOf(member('a', 'succeeded', { skipped: true })),
    }),
  ).toBe('Its one step is done, 1 of them skipped');
  expect(messageOf({ task, family: familyOf() })).toBe('All its 2 children are done, in 2 s');
  expect(messageOf({ task: { ...task, children: 1 }, family: familyOf() })).toBe('Its child is done, in 2 s');
});

test('a skipped step says why', () => {
  const task = { state: 'succeeded', skipped: true, finished_at: at(-60) } as const;
  expect(explained({ task, queue: null }).reasons).toEqual([
    {
      code: 'skipped',
      message:
        'The step did not run, because its condition did not hold. The steps after it continue without its result',
      since: at(-60),
    },
  ]);
  const unneeded = explained({ task: { ...task, step: 'on_failure' }, queue: null });
  expect(unneeded.reasons[0]?.message).toBe('The step was not needed, because no step has failed');
});

test('what was cancelled with its workflow names that', () => {
  const parent = { id: 'P', name: 'orders.fulfil', state: 'cancelled' } as const;
  const task = { state: 'cancelled', cancel_requested_at: at(-9), finished_at: at(-8) } as const;
  const { reasons, next_steps } = explained({ task, parent, queue: null });
  expect(reasons).toEqual([
    { code: 'cancelled', message: 'The task was cancelled with orders.fulfil', since: at(-8) },
  ]);
  expect(next_steps).toEqual(['To run it after all: PATCH /v1/tasks/P/retry runs the cancelled parts again']);
  const alone = explained({ task, parent: { ...parent, state: 'running' }, queue: null });
  expect(alone.reasons[0]?.message).toMatch(/^Somebody cancelled it/);
  const ending = explained({ task: { state: 'running', cancel_requested_at: at(-9) }, parent, queue: null });
  expect(ending.reasons[0]?.message).toMatch(
    /^The actor that cancelled orders\.fulfil asked it to end 9 s ago/,
  );
});
