import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createSlots } from '../../../../runner/execute/slots.ts';
import type { Unstarted } from '../../../../store/attempts/dispatches.ts';
import type { DueAttempt } from '../../../../store/attempts/load.ts';
import { until } from '../../../support/until.ts';
import { due, succeeded, workThrough } from '../dispatch_work.ts';

test('an attempt whose name is paused while it waits for a slot is not started, and the rest is given back', async () => {
  const [slots, alone] = [createSlots(1), createSlots(1)];
  const started: string[] = [];
  const given: string[][] = [];
  let paused = false;
  let refreshed = 0;
  const { promise: ending, resolve: end } = Promise.withResolvers<void>();
  const work = {
    async run({ id }: DueAttempt) {
      started.push(id);
      await ending;
      slots.release();
      return null;
    },
    requeue: async ({ tasks }: Unstarted) => void given.push(tasks.map(({ id }) => id)),
    ...{ slots, alone, isPaused: () => paused, refreshPauses: async () => void refreshed++ },
  };
  const working = workThrough([due('a'), { ...due('b'), crashes: 2 }, due('c')], work);
  await until('the second waits for the slot of the first', () => alone.taken() === 1);
  paused = true;
  end();
  await working;
  expect({ started, given, refreshed }).toEqual({ started: ['a'], given: [['b', 'c']], refreshed: 0 });
  expect(slots.taken() + alone.taken()).toBe(0);

  // What the ledger says is paused is not started either, and is news only to a runner that does not know it.
  for (const known of [true, false]) {
    paused = known;
    await workThrough([{ ...due('d'), paused: true }], work);
  }
  expect({ started, given, refreshed }).toEqual({
    started: ['a'],
    given: [['b', 'c'], ['d'], ['d']],
    refreshed: 1,
  });
});

test('an attempt that fails while the dispatch still waits for slots fails the dispatch, and not the process', async () => {
  const slots = createSlots(1);
  const given: string[][] = [];
  const ended: string[] = [];
  const unhandled: unknown[] = [];
  const hear = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', hear);
  const working = workThrough([due('a'), due('b'), due('c')], {
    async run({ id }) {
      await pause(id === 'a' ? 10 : 200);
      ended.push(id);
      slots.release();
      throw new Error(`${id} is no longer ours`);
    },
    requeue: async ({ tasks }) => void given.push(tasks.map(({ id }) => id)),
    slots,
    stopping: AbortSignal.timeout(100),
  });
  await expect(working).rejects.toThrow('a is no longer ours');
  // It waits for all that it has started, whatever became of one of them.
  expect(ended).toEqual(['a', 'b']);
  expect(given).toEqual([['c']]);
  process.off('unhandledRejection', hear);
  expect(unhandled).toEqual([]);
  expect(slots.taken()).toBe(0);
});

test('a dispatch is done when its outcomes are recorded, and fails when they cannot be recorded', async () => {
  for (const fate of ['recorded', 'lost'] as const) {
    const slots = createSlots(2);
    const added: string[] = [];
    const { promise: writing, resolve, reject } = Promise.withResolvers<void>();
    let isDone = false;
    const working = workThrough([due('a'), due('b')], {
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
      slots,
    }).finally(() => {
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

test('those under which two runners have died run alone, one after the other, while the others go on', async () => {
  const [slots, alone] = [createSlots(4), createSlots(1)];
  const ends = new Map<string, () => void>();
  const started: string[] = [];
  const attempts = ['a', 'b', 'c', 'd'].map((id, crashes) => ({
    ...due(id),
    crashes,
    isSuspect: crashes > 0,
    scheduledFor: null,
  }));
  const working = workThrough(attempts, {
    async run({ id }) {
      started.push(id);
      slots.release();
      return null;
    },
    async runAlone({ id }) {
      started.push(`${id} alone`);
      await new Promise<void>((resolve) => ends.set(id, resolve));
      slots.release();
    },
    ...{ slots, alone },
  });
  await until('all but the last have started', () => started.length === 3);
  await new Promise(setImmediate);
  expect({ started, alone: alone.taken() }).toEqual({ started: ['a', 'b', 'c alone'], alone: 1 });
  ends.get('c')?.();
  await until('the last has started', () => ends.get('d'));
  ends.get('d')?.();
  await working;
  expect({ started, alone: alone.taken(), slots: slots.taken() }).toEqual({
    ...{ started: ['a', 'b', 'c alone', 'd alone'], alone: 0, slots: 0 },
  });
});

test('what is too new is left to those that know it, and what needs a newer runner still does when it goes back', async () => {
  const given: Unstarted['tasks'][] = [];
  const started: string[] = [];
  const slots = createSlots(1);
  const work = {
    async run({ id }: DueAttempt) {
      started.push(id);
      return null;
    },
    requeue: async ({ tasks }: Unstarted) => void given.push(tasks),
    isTooNew: ({ version }: DueAttempt) => version > '3',
    slots,
    stopping: AbortSignal.timeout(100),
  };
  const attempts = ['3', '5', '2', '4', '5'].map((version, index) => ({ ...due(String(index)), version }));
  // The one slot is never freed, so the second that is known goes back.
  await workThrough(attempts, work, '2');
  expect(started).toEqual(['0']);
  expect(given.map((tasks) => tasks.map(({ id, needs }) => [id, needs]))).toEqual([
    [
      ['2', '2'],
      ['1', '5'],
      ['3', '4'],
      ['4', '5'],
    ],
  ]);
  const [back, five, four, fiveToo] = given[0]?.map(({ dispatchId }) => dispatchId) ?? [];
  expect(five).toBe(fiveToo);
  expect(new Set([back, five, four]).size).toBe(3);
});
