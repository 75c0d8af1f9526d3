import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createSlots, type Slots } from '../../runner/slots.ts';
import type { DueAttempt } from '../../store/begin.ts';
import { due, workThrough } from './ring_work.ts';

// No time passes but what a test lets pass.
beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

type Given = { ids: string[]; ring: string }[];

/** Works through a ring of so many attempts with two slots, of which so many are free; what starts does not end. */
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
  const suspects = createSlots(1);
  for (let taken = 0; taken < 2 - free; taken++) slots.tryTake();
  const started: string[] = [];
  let given: Given | null = null;
  const { promise: ending, resolve: end } = Promise.withResolvers<void>();
  const working = workThrough(attempts, {
    async run({ id }) {
      started.push(id);
      await ending;
      slots.release();
      return null;
    },
    async giveBack({ key, tasks }) {
      expect(key).toBe('ring');
      const byRing = Map.groupBy(tasks, ({ ring }) => ring);
      given = Array.from(byRing, ([ring, list]) => ({ ring, ids: list.map(({ id }) => id) }));
    },
    ...{ slots, suspects, pace: { of: typicalMs } },
  });
  let isDone = false;
  const done = working.then(() => {
    isDone = true;
  });
  return {
    slots,
    suspects,
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

test('what has no slot goes back after 100 ms, in order, and what takes long in rings of one attempt', async () => {
  const ring = begin({ attempts: many(5), free: 2, typicalMs: () => 51 });
  await vi.advanceTimersByTimeAsync(99);
  expect([ring.started, ring.given()]).toEqual([['task 0', 'task 1'], null]);
  await vi.advanceTimersByTimeAsync(1);
  expect(ring.given()?.map(({ ids }) => ids)).toEqual([['task 2'], ['task 3'], ['task 4']]);
  expect(new Set(ring.given()?.map(({ ring: key }) => key)).size).toBe(3);
  ring.end();
  await ring.done;
});

test('what goes back goes in rings of 100 ms, but never in more than ten at once', async () => {
  const ring = begin({ attempts: many(14), free: 2, typicalMs: () => 20 });
  await vi.advanceTimersByTimeAsync(99);
  expect(ring.sizes()).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(ring.sizes()).toEqual([5, 5, 2]);
  ring.end();
  await ring.done;

  const large = begin({ attempts: many(100), free: 2, typicalMs: () => 60_000 });
  await vi.advanceTimersByTimeAsync(100);
  expect(large.sizes()).toEqual([...Array(9).fill(10), 8]);
  large.end();
  await large.done;
});

test('attempts that end at once wait for a slot ten times as long: giving them back costs as much as they do', async () => {
  const ring = begin({ attempts: many(30), free: 0, typicalMs: () => 9 });
  await vi.advanceTimersByTimeAsync(999);
  expect(ring.sizes()).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(ring.sizes()).toEqual([11, 11, 8]);
  ring.slots.release();
  await ring.done;
});

test('attempts of which none has ended are taken for long ones, if they were started: else their ring stays whole', async () => {
  for (const [free, sizes] of [
    [1, [1, 1, 1]],
    [0, [4]],
  ] as const) {
    const ring = begin({ attempts: many(4), free, typicalMs: () => undefined });
    await vi.advanceTimersByTimeAsync(99);
    expect(ring.sizes()).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(ring.sizes()).toEqual(sizes);
    ring.end();
    ring.slots.release();
    await ring.done;
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
    const ring = begin({ attempts: many(1), free: 1, typicalMs: () => typicalMs });
    await vi.advanceTimersByTimeAsync(0);
    typicalMs = after;
    // Somebody else takes the slot of this attempt as soon as it is free.
    const other = ring.slots.take({ isOver: () => false, onOver: () => {}, close: () => {} });
    ring.end();
    expect(await other).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    expect([before, ring.isDone()]).toEqual([before, after === 100]);
    ring.slots.release();
    await ring.done;
  }
});

test('a suspect waits for the one before it however long these take: no other runner would start it sooner', async () => {
  const attempts = [
    { ...due('first'), crashes: 1 },
    { ...due('second'), crashes: 1 },
  ];
  const ring = begin({ attempts, free: 2, typicalMs: () => 60_000 });
  await vi.advanceTimersByTimeAsync(999);
  expect([ring.started, ring.sizes()]).toEqual([['first'], null]);
  await vi.advanceTimersByTimeAsync(1);
  expect(ring.sizes()).toEqual([1]);
  ring.end();
  await ring.done;
  expect(ring.suspects.taken()).toBe(0);
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
