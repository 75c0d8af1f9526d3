import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createPace } from '../../runner/pace.ts';
import { workRing } from '../../runner/ring.ts';
import { createSlots } from '../../runner/slots.ts';
import type { DueAttempt } from '../../store/begin.ts';
import { until } from '../support/until.ts';
import { due } from './due.ts';

test('an attempt whose name is paused while it waits for a slot is not started, and the rest is given back', async () => {
  const [slots, suspects] = [createSlots(1), createSlots(1)];
  const started: string[] = [];
  const given: string[][] = [];
  let paused = false;
  let heeded = 0;
  const { promise: ending, resolve: end } = Promise.withResolvers<void>();
  const ring = { key: 'ring', taskIds: ['a', 'b', 'c'] };
  const work = (list: DueAttempt[]) =>
    workRing(ring, {
      begin: async () => list,
      run: async ({ id }, onEnd) => {
        started.push(id);
        await ending;
        onEnd();
      },
      giveBack: async ({ tasks }) => void given.push(tasks.map(({ id }) => id)),
      slots,
      suspects,
      pace: createPace(),
      isPaused: () => paused,
      heedPauses: async () => void heeded++,
      stopping: new AbortController().signal,
    });
  const working = work([due('a'), { ...due('b'), crashes: 1 }, due('c')]);
  await until('the second waits for the slot of the first', () => suspects.taken() === 1);
  paused = true;
  end();
  await working;
  expect({ started, given, heeded }).toEqual({ started: ['a'], given: [['b', 'c']], heeded: 0 });
  expect(slots.taken() + suspects.taken()).toBe(0);

  // What the ledger says is paused is not started either, and is news only to a runner that does not know it.
  for (const known of [true, false]) {
    paused = known;
    await work([{ ...due('d'), paused: true }]);
  }
  expect({ started, given, heeded }).toEqual({
    started: ['a'],
    given: [['b', 'c'], ['d'], ['d']],
    heeded: 1,
  });
});

test('an outcome that can not be recorded while the ring still waits for slots fails the ring, and not the process', async () => {
  const slots = createSlots(1);
  const given: string[][] = [];
  const ended: string[] = [];
  const unhandled: unknown[] = [];
  const hear = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', hear);
  const working = workRing(
    { key: 'ring', taskIds: ['a', 'b', 'c'] },
    {
      begin: async () => [due('a'), due('b'), due('c')],
      run: async ({ id }) => {
        await pause(id === 'a' ? 10 : 200);
        ended.push(id);
        throw new Error(`${id} is no longer ours`);
      },
      giveBack: async ({ tasks }) => {
        given.push(tasks.map(({ id }) => id));
      },
      slots,
      suspects: createSlots(1),
      pace: createPace(),
      isPaused: () => false,
      heedPauses: async () => {},
      stopping: AbortSignal.timeout(100),
    },
  );
  await expect(working).rejects.toThrow('a is no longer ours');
  // It waits for all that it has started, whatever became of one of them.
  expect(ended).toEqual(['a', 'b']);
  expect(given).toEqual([['c']]);
  process.off('unhandledRejection', hear);
  expect(unhandled).toEqual([]);
  expect(slots.taken()).toBe(0);
});
