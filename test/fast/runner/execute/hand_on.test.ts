import { expect, test } from 'vitest';
import { createHandOn, type Handed } from '../../../../runner/execute/hand_on.ts';
import type { DueAttempt } from '../../../../store/attempts/load.ts';
import { until } from '../../../support/until.ts';

/** An attempt that has the slots of another one. */
function holding(keys: string, id = 'first'): DueAttempt {
  return { id: `now ${id}`, dispatchId: 'd', slots: { id, dispatchId: 'd', keys } } as DueAttempt;
}

function handOnOf(mustBeFreed = false) {
  const stop = new AbortController();
  const asked: string[] = [];
  const handOn = createHandOn(async (keys) => {
    asked.push(...keys);
    return keys.map(() => mustBeFreed);
  }, stop.signal);
  return { handOn, asked, stop };
}

/** Longer than any of these tests. */
const LONG_MS = 600_000;
const decided = (one: 'ask' | Promise<Handed>): Promise<Handed | 'not yet'> =>
  Promise.race([one, new Promise<'not yet'>((resolve) => setImmediate(resolve, 'not yet'))]);

test('as many attempts ask the ledger as there can be slots, and the next one waits', async () => {
  const { handOn } = handOnOf();
  expect(handOn.request('k', 2, LONG_MS)).toBe('ask');
  expect(handOn.request('k', 2, LONG_MS)).toBe('ask');
  const third = handOn.request('k', 2, LONG_MS);
  expect(await decided(third)).toBe('not yet');
  // Other keys do not wait for these.
  expect(handOn.request('other', 1, LONG_MS)).toBe('ask');
  handOn.answered('k', 'gone');
  expect(await decided(third)).toBe('ask');
});

test('an attempt that ends gives its slots to the one that waits longest, under the name of the first', async () => {
  const { handOn } = handOnOf();
  handOn.request('k', 1, LONG_MS);
  handOn.answered('k', 'taken');
  const [second, third] = [handOn.request('k', 1, LONG_MS), handOn.request('k', 1, LONG_MS)];
  expect(handOn.handOn(holding('k'))).toBe(true);
  expect(await decided(second)).toEqual({ id: 'first', dispatchId: 'd' });
  expect(await decided(third)).toBe('not yet');
  expect(handOn.handOn(holding('k'))).toBe(true);
  expect(await decided(third)).toEqual({ id: 'first', dispatchId: 'd' });
  expect(handOn.handOn(holding('k'))).toBe(false);
});

test('if tasks wait in the ledger, slots are freed, and the next one here has to ask', async () => {
  const { handOn, asked } = handOnOf(true);
  handOn.request('k', 1, LONG_MS);
  handOn.answered('k', 'taken');
  const second = handOn.request('k', 1, LONG_MS);
  const third = handOn.request('k', 1, LONG_MS);
  // The ledger is asked at the first chance, which may still hand them on.
  expect(handOn.handOn(holding('k'))).toBe(true);
  expect(await decided(second)).toEqual({ id: 'first', dispatchId: 'd' });
  await until('it was asked', () => asked.length > 0);
  expect(await decided(third)).toBe('not yet');
  expect(handOn.handOn(holding('k'))).toBe(false);
  expect(await decided(third)).toBe('ask');
});

test('whoever was called, or takes long, asks at once', () => {
  const { handOn } = handOnOf();
  expect(handOn.request('k', 1, LONG_MS)).toBe('ask');
  expect(handOn.request('k', 1, 0)).toBe('ask');
});

test('after a wait without any movement an attempt asks the ledger, where its task waits', async () => {
  const { handOn } = handOnOf();
  handOn.request('k', 1, LONG_MS);
  handOn.answered('k', 'taken');
  expect(await handOn.request('k', 1, 1)).toBe('ask');
});

test('when the runner stops, nobody waits any more', async () => {
  const { handOn, stop } = handOnOf();
  handOn.request('k', 1, LONG_MS);
  const second = handOn.request('k', 1, LONG_MS);
  stop.abort();
  expect(await decided(second)).toBe('over');
  expect(await handOn.request('k', 1, LONG_MS)).toBe('over');
});

test('a handler that keeps its slots hands none on', async () => {
  const { handOn } = handOnOf();
  handOn.request('k', 1, LONG_MS);
  handOn.answered('k', 'taken');
  handOn.keep(holding('k'));
  expect(handOn.request('k', 1, LONG_MS)).toBe('ask');
});
