import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createSlots, waitBudget } from '../../../../runner/execute/slots.ts';

const endless = new AbortController().signal;
/** For one who waits and never gives up. */
const never = () => waitBudget(endless);

test('no more slots are given than there are, first come first served', async () => {
  const slots = createSlots(1);
  expect(slots.tryTake()).toBe(true);
  expect(slots.tryTake()).toBe(false);
  const order: string[] = [];
  const first = slots.take(never()).then(() => order.push('first'));
  const second = slots.take(never()).then(() => order.push('second'));
  slots.release();
  await first;
  expect(order).toEqual(['first']);
  slots.release();
  await second;
  expect(order).toEqual(['first', 'second']);
  expect(slots.taken()).toBe(1);
});

test('who stops waiting gets no slot, and takes none from the next', async () => {
  const slots = createSlots(1);
  slots.tryTake();
  const impatient = new AbortController();
  const gaveUp = slots.take(waitBudget(impatient.signal));
  const patient = slots.take(never());
  impatient.abort();
  expect(await gaveUp).toBe(false);
  slots.release();
  expect(await patient).toBe(true);
  expect(await slots.take(waitBudget(AbortSignal.abort()))).toBe(false);
});

test('room is told of to one at a time, and only when nobody waits for the slot itself', async () => {
  const slots = createSlots(1);
  slots.tryTake();
  const woken: string[] = [];
  const roomA = slots.room(never()).then(() => woken.push('a'));
  const roomB = slots.room(never()).then(() => woken.push('b'));
  const taker = slots.take(never());
  slots.release();
  expect(await taker).toBe(true);
  expect(woken).toEqual([]);
  slots.release();
  await roomA;
  expect(woken).toEqual(['a']);
  expect(slots.tryTake()).toBe(true);
  slots.release();
  await roomB;
  await slots.room(never());
  slots.tryTake();
  await slots.room(waitBudget(AbortSignal.abort()));
});

/** Counts how often it was called. */
function counter(): { call: () => void; calls: () => number } {
  let calls = 0;
  return { call: () => void calls++, calls: () => calls };
}

test('it ends when the runner stops, and who waits is told once', () => {
  const stopping = new AbortController();
  const waiting = waitBudget(stopping.signal);
  const first = counter();
  const second = counter();
  waiting.onOver(first.call);
  waiting.onOver(second.call);
  expect(waiting.isOver()).toBe(false);
  stopping.abort();
  expect([waiting.isOver(), first.calls(), second.calls()]).toEqual([true, 0, 1]);
});

test('who waits no more is not told', () => {
  const stopping = new AbortController();
  const waiting = waitBudget(stopping.signal);
  const gone = counter();
  waiting.onOver(gone.call);
  waiting.onOver(null);
  stopping.abort();
  expect([waiting.isOver(), gone.calls()]).toEqual([true, 0]);
});

test('of a runner that stops already there is none', () => {
  expect(waitBudget(AbortSignal.abort()).isOver()).toBe(true);
  expect(waitBudget(AbortSignal.abort(), 60_000).isOver()).toBe(true);
});

test('it ends after its time, and stays ended', async () => {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const waiting = waitBudget(new AbortController().signal, 5);
  waiting.onOver(resolve);
  expect(waiting.isOver()).toBe(false);
  await over;
  expect(waiting.isOver()).toBe(true);
  waiting.close();
  expect(waiting.isOver()).toBe(true);
});

test('what is closed leaves no timer and no listener behind', () => {
  const stopping = new AbortController();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const waiting = waitBudget(stopping.signal, 60_000);
  const told = counter();
  waiting.onOver(told.call);
  expect([timers() - before, getEventListeners(stopping.signal, 'abort').length]).toEqual([1, 1]);
  waiting.close();
  expect([timers() - before, getEventListeners(stopping.signal, 'abort').length]).toEqual([0, 0]);
  stopping.abort();
  expect(told.calls()).toBe(0);
});
