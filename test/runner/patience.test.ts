import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { patience } from '../../runner/patience.ts';

/** Counts how often it was called. */
function counter(): { call: () => void; calls: () => number } {
  let calls = 0;
  return { call: () => void calls++, calls: () => calls };
}

test('it ends when the runner stops, and who waits is told once', () => {
  const stopping = new AbortController();
  const waiting = patience(stopping.signal);
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
  const waiting = patience(stopping.signal);
  const gone = counter();
  waiting.onOver(gone.call);
  waiting.onOver(null);
  stopping.abort();
  expect([waiting.isOver(), gone.calls()]).toEqual([true, 0]);
});

test('of a runner that stops already there is none', () => {
  expect(patience(AbortSignal.abort()).isOver()).toBe(true);
  expect(patience(AbortSignal.abort(), 60_000).isOver()).toBe(true);
});

test('it ends after its time, and stays ended', async () => {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const waiting = patience(new AbortController().signal, 5);
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
  const waiting = patience(stopping.signal, 60_000);
  const told = counter();
  waiting.onOver(told.call);
  expect([timers() - before, getEventListeners(stopping.signal, 'abort').length]).toEqual([1, 1]);
  waiting.close();
  expect([timers() - before, getEventListeners(stopping.signal, 'abort').length]).toEqual([0, 0]);
  stopping.abort();
  expect(told.calls()).toBe(0);
});
