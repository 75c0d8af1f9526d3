import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createPace } from '../../runner/pace.ts';
import { workRing } from '../../runner/ring.ts';
import { createSlots } from '../../runner/slots.ts';
import type { DueAttempt } from '../../store/begin.ts';
import { until } from '../support/until.ts';
import { due, noRecord, succeeded } from './due.ts';

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
      run: async ({ id }) => {
        started.push(id);
        await ending;
        slots.release();
        return null;
      },
      openRecord: noRecord,
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

test('an attempt that fails while the ring still waits for slots fails the ring, and not the process', async () => {
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
        slots.release();
        throw new Error(`${id} is no longer ours`);
      },
      openRecord: noRecord,
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

test('a ring is done when its outcomes are recorded, and fails when they can not be', async () => {
  for (const fate of ['recorded', 'lost'] as const) {
    const slots = createSlots(2);
    const added: string[] = [];
    const { promise: writing, resolve, reject } = Promise.withResolvers<void>();
    let isDone = false;
    const working = workRing(
      { key: 'ring', taskIds: ['a', 'b'] },
      {
        begin: async () => [due('a'), due('b')],
        async run({ id }) {
          slots.release();
          return succeeded(id);
        },
        openRecord: () => ({
          add({ id }) {
            added.push(id);
            return writing;
          },
          written: () => writing,
        }),
        giveBack: async () => {},
        slots,
        suspects: createSlots(1),
        pace: createPace(),
        isPaused: () => false,
        heedPauses: async () => {},
        stopping: new AbortController().signal,
      },
    ).finally(() => {
      isDone = true;
    });
    writing.catch(() => {});
    await until('both were handed over', () => added.length === 2);
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    if (fate === 'recorded') resolve();
    else reject(new Error('no longer live'));
    if (fate === 'recorded') await working;
    else await expect(working).rejects.toThrow('no longer live');
  }
});

test('a suspect lets the next one start when it is recorded, and not before', async () => {
  const [slots, suspects] = [createSlots(2), createSlots(1)];
  const { promise: writing, resolve: write } = Promise.withResolvers<void>();
  const started: string[] = [];
  const working = workRing(
    { key: 'ring', taskIds: ['a', 'b'] },
    {
      begin: async () => [
        { ...due('a'), crashes: 1 },
        { ...due('b'), crashes: 1 },
      ],
      async run({ id }) {
        started.push(id);
        slots.release();
        return succeeded(id);
      },
      openRecord: () => ({ add: () => writing, written: () => writing }),
      giveBack: async () => {},
      slots,
      suspects,
      pace: createPace(),
      isPaused: () => false,
      heedPauses: async () => {},
      stopping: new AbortController().signal,
    },
  );
  await until('the first has run', () => slots.taken() === 0 && started.length > 0);
  await new Promise(setImmediate);
  expect({ started, suspects: suspects.taken() }).toEqual({ started: ['a'], suspects: 1 });
  write();
  await working;
  expect({ started, suspects: suspects.taken() }).toEqual({ started: ['a', 'b'], suspects: 0 });
});
