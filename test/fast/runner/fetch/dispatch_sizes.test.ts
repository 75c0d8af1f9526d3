import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createSlots, type Slots } from '../../../../runner/execute/slots.ts';
import type { DueAttempt } from '../../../../store/attempts/load.ts';
import { due, workThrough } from '../dispatch_work.ts';

// No time passes but what a test lets pass.
beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

type Given = { ids: string[]; dispatchId: string }[];

/** Works through a dispatch of so many attempts with two slots, of which so many are free; what starts does not end. */
function begin({
  attempts,
  free,
  typicalMs,
  slots = createSlots(2),
}: {
  attempts: DueAttempt[];
  free: number;
  typicalMs: () => number | undefined;
  slots?: Slots;
}) {
  const alone = createSlots(1);
  for (let taken = 0; taken < 2 - free; taken++) slots.tryTake();
  const started: string[] = [];
  let given: Given | null = null;
  const { promise: ending, resolve: end } = Promise.withResolvers<void>();
  const run = async ({ id }: DueAttempt): Promise<null> => {
    started.push(id);
    await ending;
    slots.release();
    return null;
  };
  const working = workThrough(attempts, {
    run,
    runAlone: async (attempt) => void (await run(attempt)),
    async requeue({ key, tasks }) {
      expect(key).toBe('dispatch');
      const byDispatch = Map.groupBy(tasks, ({ dispatchId }) => dispatchId);
      given = Array.from(byDispatch, ([dispatchId, list]) => ({ dispatchId, ids: list.map(({ id }) => id) }));
    },
    ...{ slots, alone, pace: { of: typicalMs } },
  });
  let isDone = false;
  const done = working.then(() => {
    isDone = true;
  });
  return {
    slots,
    alone,
    started,
    end,
    done,
    isDone: () => isDone,
    sizes: () => sizesOf(given),
    given: () => given,
  };
}

function sizesOf(given: Given | null): number[] | null {
  return given?.map(({ ids }) => ids.length) ?? null;
}

const many = (count: number) => Array.from({ length: count }, (_, index) => due(`task ${index}`));

test('what has no slot goes back after 100 ms, in order, and what takes long in dispatches of one attempt', async () => {
  const dispatch = begin({ attempts: many(5), free: 2, typicalMs: () => 51 });
  await vi.advanceTimersByTimeAsync(99);
  expect([dispatch.started, dispatch.given()]).toEqual([['task 0', 'task 1'], null]);
  await vi.advanceTimersByTimeAsync(1);
  expect(dispatch.given()?.map(({ ids }) => ids)).toEqual([['task 2'], ['task 3'], ['task 4']]);
  expect(new Set(dispatch.given()?.map(({ dispatchId: key }) => key)).size).toBe(3);
  dispatch.end();
  await dispatch.done;
});

test('what goes back goes in dispatches of 100 ms, but never in more than ten at once', async () => {
  const dispatch = begin({ attempts: many(14), free: 2, typicalMs: () => 20 });
  await vi.advanceTimersByTimeAsync(99);
  expect(dispatch.sizes()).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(dispatch.sizes()).toEqual([5, 5, 2]);
  dispatch.end();
  await dispatch.done;

  const large = begin({ attempts: many(100), free: 2, typicalMs: () => 60_000 });
  await vi.advanceTimersByTimeAsync(100);
  expect(large.sizes()).toEqual([...Array(9).fill(10), 8]);
  large.end();
  await large.done;
});

test('attempts that end at once wait for a slot ten times as long: giving them back costs as much as they do', async () => {
  const dispatch = begin({ attempts: many(30), free: 0, typicalMs: () => 9 });
  await vi.advanceTimersByTimeAsync(999);
  expect(dispatch.sizes()).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(dispatch.sizes()).toEqual([11, 11, 8]);
  dispatch.slots.release();
  await dispatch.done;
});

test('attempts of which none has ended are taken for long ones, if they were started: else their dispatch stays whole', async () => {
  for (const [free, sizes] of [
    [1, [1, 1, 1]],
    [0, [4]],
  ] as const) {
    const dispatch = begin({ attempts: many(4), free, typicalMs: () => undefined });
    await vi.advanceTimersByTimeAsync(99);
    expect(dispatch.sizes()).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(dispatch.sizes()).toEqual(sizes);
    dispatch.end();
    dispatch.slots.release();
    await dispatch.done;
  }
});

test('after what takes long its worker waits for room, and after what does not it fetches on', async () => {
  // The last is of a name that was new: its end is the first to tell.
  for (const [before, after] of [
    [101, 101],
    [100, 100],
    [undefined, 101],
  ]) {
    let typicalMs = before;
    const dispatch = begin({ attempts: many(1), free: 1, typicalMs: () => typicalMs });
    await vi.advanceTimersByTimeAsync(0);
    typicalMs = after;
    // Somebody else takes the slot of this attempt as soon as it is free.
    const other = dispatch.slots.take({ isOver: () => false, onOver: () => {}, close: () => {} });
    dispatch.end();
    expect(await other).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    expect([before, dispatch.isDone()]).toEqual([before, after === 100]);
    dispatch.slots.release();
    await dispatch.done;
  }
});

test('what is to run alone waits for the one before it however long these take: no other runner would start it sooner', async () => {
  const attempts = ['first', 'second'].map((id) => ({ ...due(id), crashes: 2 }));
  const dispatch = begin({ attempts, free: 2, typicalMs: () => 60_000 });
  await vi.advanceTimersByTimeAsync(999);
  expect([dispatch.started, dispatch.sizes()]).toEqual([['first'], null]);
  await vi.advanceTimersByTimeAsync(1);
  expect(dispatch.sizes()).toEqual([1]);
  dispatch.end();
  await dispatch.done;
  expect(dispatch.alone.taken()).toBe(0);
});

test('when the one that is let go on finds nothing, the others follow: no worker waits while slots are free', async () => {
  const slots = createSlots(2);
  slots.tryTake();
  slots.tryTake();
  const done: string[] = [];
  const working = ['a', 'b', 'c'].map((id) =>
    begin({ attempts: [due(id)], free: 0, typicalMs: () => 60_000, slots }).done.then(() => done.push(id)),
  );
  await vi.advanceTimersByTimeAsync(10_000);
  expect(done).toEqual([]);
  slots.release();
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(done).toHaveLength(3);
  await Promise.all(working);
});
