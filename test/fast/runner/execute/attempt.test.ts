import { expect, test } from 'vitest';
import { AttemptAborted, AttemptUnderWay } from '../../../../runner/execute/attempt.ts';
import { due } from '../dispatch_work.ts';

const begin = (): AttemptUnderWay => new AttemptUnderWay(due('a'), 1_000);
const cancelled = new AttemptAborted('cancelled', 'no longer wanted');

test('a signal that is first asked for after the abort is aborted already, with its reason', () => {
  const attempt = begin();
  attempt.abort(cancelled);
  expect(attempt.signal.aborted).toBe(true);
  expect(attempt.signal.reason).toBe(cancelled);
});

test('a signal that was asked for before is the same one, and its listeners hear of the abort', () => {
  const attempt = begin();
  const { signal } = attempt;
  const heard: unknown[] = [];
  signal.addEventListener('abort', () => heard.push(signal.reason));
  expect(signal.aborted).toBe(false);
  attempt.abort(cancelled);
  expect(heard).toEqual([cancelled]);
  expect(attempt.signal).toBe(signal);
});

test('what aborts first says why', () => {
  for (const isAskedFor of [true, false]) {
    const attempt = begin();
    if (isAskedFor) expect(attempt.signal.aborted).toBe(false);
    attempt.abort(cancelled);
    attempt.abort(new AttemptAborted('timed_out', 'too long'));
    expect(attempt.signal.reason).toBe(cancelled);
    expect(attempt.aborted?.reason).toBe(cancelled);
  }
});

test('work that ends is given as it ended, and abandoning it then changes nothing', async () => {
  const attempt = begin();
  expect(await attempt.unlessAbandoned(Promise.resolve('done'))).toBe('done');
  await expect(attempt.unlessAbandoned(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  const done = attempt.unlessAbandoned(Promise.resolve('done, too'));
  await done;
  attempt.abandon();
  expect(await done).toBe('done, too');
});

test('work that is abandoned is left with the reason of the abort, whenever that is', async () => {
  const never = new Promise<never>(() => {});
  const during = begin();
  const left = during.unlessAbandoned(never);
  during.abort(cancelled);
  during.abandon();
  await expect(left).rejects.toBe(cancelled);
  // On each tick again, for as long as it is among those that run.
  during.abandon();

  const before = begin();
  before.abort(cancelled);
  before.abandon();
  await expect(before.unlessAbandoned(never)).rejects.toBe(cancelled);

  const unsaid = begin();
  unsaid.abandon();
  await expect(unsaid.unlessAbandoned(never)).rejects.toMatchObject({ kind: 'interrupted' });
});

test('work that fails after it was abandoned is nobody’s failure', async () => {
  const unhandled: unknown[] = [];
  const hear = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', hear);
  const attempt = begin();
  const { promise: work, reject } = Promise.withResolvers<never>();
  const left = attempt.unlessAbandoned(work);
  attempt.abort(cancelled);
  attempt.abandon();
  await expect(left).rejects.toBe(cancelled);
  reject(new Error('too late'));
  await new Promise(setImmediate);
  process.off('unhandledRejection', hear);
  expect(unhandled).toEqual([]);
});
