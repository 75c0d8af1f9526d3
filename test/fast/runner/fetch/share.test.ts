import { expect, test } from 'vitest';
import { createPace } from '../../../../runner/execute/pace.ts';
import { createSlots } from '../../../../runner/execute/slots.ts';
import { createShare } from '../../../../runner/fetch/share.ts';
import { due, succeeded, workThrough } from '../dispatch_work.ts';

/** A quarter of these slots, but at least one, while attempts of the name take long. */
const quarterOf = (name: string, slots: number) =>
  new Map([[name, { most: Math.max(1, Math.floor(slots / 4)), isSoft: true }]]);

test('a name that takes long holds a quarter of the slots, and other names the rest', () => {
  const share = createShare(quarterOf('t.slow', 8), createPace());
  const changes: boolean[] = [];
  share.onChange(() => changes.push(share.isFull('t.slow')));
  expect([share.tryTake('t.slow'), share.tryTake('t.slow'), changes]).toEqual([true, true, []]);
  expect([share.tryTake('t.slow'), share.tryTake('t.slow'), changes]).toEqual([false, false, [true]]);
  expect([share.tryTake('t.other'), share.isFull('t.other')]).toEqual([true, false]);
  share.release('t.other');
  expect(changes).toEqual([true]);
  share.release('t.slow');
  expect([changes, share.tryTake('t.slow')]).toEqual([[true, false], true]);
});

test('a name that is over at once may hold as many as it likes, and a runner with one slot executes it too', () => {
  const pace = createPace();
  const share = createShare(quarterOf('t.slow', 1), pace);
  expect([share.tryTake('t.slow'), share.tryTake('t.slow')]).toEqual([true, false]);
  pace.note('t.slow', 20);
  expect([share.tryTake('t.slow'), share.tryTake('t.slow')]).toEqual([true, true]);
});

test('a place comes free when the attempt has ended, also when it could not be executed', async () => {
  const share = createShare(quarterOf('t.x', 4), createPace());
  const failing = workThrough([due('a')], {
    share,
    slots: createSlots(4),
    run: () => Promise.reject(new Error('not executed')),
  });
  await expect(failing).rejects.toThrow('not executed');
  expect(share.tryTake('t.x')).toBe(true);
});

test('what finds no place goes back, and takes no slot', async () => {
  const share = createShare(quarterOf('t.x', 4), createPace());
  const slots = createSlots(4);
  const back: string[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const worked = workThrough([due('a'), due('b'), due('c')], {
    ...{ share, slots },
    async run({ id }) {
      await ended;
      slots.release();
      return succeeded(id);
    },
    async requeue({ tasks }) {
      back.push(...tasks.map(({ id }) => id));
      expect(slots.taken()).toBe(1);
      end();
    },
    openRecord: () => ({ add: async () => {}, written: async () => {} }),
  });
  await worked;
  expect(back).toEqual(['b', 'c']);
});
