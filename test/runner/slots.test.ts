import { expect, test } from 'vitest';
import { patience } from '../../runner/patience.ts';
import { createSlots } from '../../runner/slots.ts';

const endless = new AbortController().signal;
/** For one who waits and never gives up. */
const never = () => patience(endless);

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
  const gaveUp = slots.take(patience(impatient.signal));
  const patient = slots.take(never());
  impatient.abort();
  expect(await gaveUp).toBe(false);
  slots.release();
  expect(await patient).toBe(true);
  expect(await slots.take(patience(AbortSignal.abort()))).toBe(false);
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
  await slots.room(patience(AbortSignal.abort()));
});
