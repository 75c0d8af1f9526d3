import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { Member, Seat } from '../../../../runner/execute/attempt.ts';
import { openBatch } from '../../../../runner/execute/batch.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** A batch, the calls of its handler as the keys of their members, and what it has said. */
function open(size: number, waitMs = 50) {
  const calls: string[][] = [];
  const said: string[] = [];
  const batch = openBatch({
    ...{ size, waitMs, call: (members) => calls.push(members.map(({ key }) => key)) },
    onClosed: () => said.push('closed'),
    onEmpty: () => said.push('empty'),
  });
  const join = (): Seat => {
    const seat = batch.tryJoin();
    if (seat === null) throw new Error('there is no seat');
    return seat;
  };
  return { batch, calls, said, join };
}

const member = (key: string): Member => ({ key }) as Member;

test('a batch starts when all of its seats are taken and their attempts have arrived (Q11)', () => {
  const { batch, calls, said, join } = open(2);
  const [one, other] = [join(), join()];
  expect(batch.tryJoin()).toBeNull();
  expect(said).toEqual(['closed']);
  one.arrive(member('a'));
  expect(calls).toEqual([]);
  other.arrive(member('b'));
  expect(calls).toEqual([['a', 'b']]);
  one.leave();
  expect(said).toEqual(['closed']);
  other.leave();
  expect(said).toEqual(['closed', 'empty']);
  vi.advanceTimersByTime(1_000);
  expect(calls).toHaveLength(1);
});

test('a batch starts when the first that arrived has waited, not earlier and not when a seat was taken', () => {
  const { calls, join } = open(10);
  const [one, other] = [join(), join()];
  vi.advanceTimersByTime(1_000);
  one.arrive(member('a'));
  vi.advanceTimersByTime(40);
  other.arrive(member('b'));
  vi.advanceTimersByTime(9);
  expect(calls).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(calls).toEqual([['a', 'b']]);
});

test('an attempt that leaves before it arrives, because it has no slot of a limit, keeps no other waiting', () => {
  const { calls, said, join } = open(3);
  const [one, other, third] = [join(), join(), join()];
  one.arrive(member('a'));
  other.leave();
  third.leave();
  expect(calls).toEqual([['a']]);
  one.leave();
  expect(said).toEqual(['closed', 'empty']);
});

test('an attempt that arrives after the start is in another call, with those that are late, too', () => {
  const { batch, calls, said, join } = open(10);
  const seats = [join(), join(), join()];
  seats[0]?.arrive(member('a'));
  vi.advanceTimersByTime(50);
  expect(calls).toEqual([['a']]);
  expect(batch.tryJoin()).toBeNull();
  seats[0]?.leave();
  seats[1]?.arrive(member('b'));
  expect(calls).toHaveLength(1);
  seats[2]?.arrive(member('c'));
  expect(calls).toEqual([['a'], ['b', 'c']]);
  seats[1]?.leave();
  expect(said).toEqual(['closed']);
  seats[2]?.leave();
  expect(said).toEqual(['closed', 'empty']);
});

test('one that is late waits for the others that are late no longer than waitMs', () => {
  const { calls, join } = open(10);
  const seats = [join(), join(), join()];
  seats[0]?.arrive(member('a'));
  vi.advanceTimersByTime(50);
  seats[1]?.arrive(member('b'));
  vi.advanceTimersByTime(50);
  expect(calls).toEqual([['a'], ['b']]);
});

test('a batch that everybody has left is closed, and its handler is never called', () => {
  const { batch, calls, said, join } = open(3);
  join().leave();
  expect(said).toEqual(['closed', 'empty']);
  expect(batch.tryJoin()).toBeNull();
  vi.advanceTimersByTime(1_000);
  expect(calls).toEqual([]);
});

test('a batch that is closed because its runner stops starts at once, as soon as those with a seat are there', () => {
  const { batch, calls, join } = open(10, 10_000);
  const [one, other] = [join(), join()];
  one.arrive(member('a'));
  batch.close();
  expect(calls).toEqual([]);
  expect(batch.tryJoin()).toBeNull();
  other.arrive(member('b'));
  expect(calls).toEqual([['a', 'b']]);
});
