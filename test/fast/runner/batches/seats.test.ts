import { pino } from 'pino';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { defineBatchHandler } from '../../../../core/batch_handler.ts';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import type { AttemptUnderWay, Seat } from '../../../../runner/execute/attempt.ts';
import { registration } from '../../../../runner/execute/batch_call.ts';
import { createBatches, type Group } from '../../../../runner/execute/batches.ts';
import { viewLoop } from '../../../../runner/execute/loop_table.ts';
import { createPace } from '../../../../runner/execute/pace.ts';
import { attemptRunner } from '../../../../runner/execute/run_attempt.ts';
import { trackRunning } from '../../../../runner/execute/running.ts';
import { createSlots, waitBudget } from '../../../../runner/execute/slots.ts';
import { createTaskLog } from '../../../../runner/execute/task_log.ts';
import { createEvents } from '../../../../runner/record/events.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { due } from '../dispatch_work.ts';

const log = pino({ level: 'silent' });
/** Nothing here needs it. */
const pgPool = openPool({
  ...{ connectionString: 'postgres://127.0.0.1:1/none', applicationName: 'test', size: 1 },
  ...{ statementTimeoutMs: 1_000, onError: () => {} },
});

/** The batches of `t.x` in a runner with so many slots. */
function batchesOf(
  size: number,
  slotCount: number,
  policy: { concurrency?: number | { limit: number; scope: 'runner' } } = {},
) {
  const definition = defineTask({
    ...{ name: 't.x', version: '1', description: 'For a test', payload: z.object({}), example: {} },
    ...{ batch: { size, waitMs: 20 }, policy },
  });
  const handler = defineBatchHandler(definition, (items) => items.map(() => ({ result: null })));
  const registeredHandlers = new Map([
    ['t.x', registration(definition as unknown as TaskDefinition, handler)],
  ]);
  const slots = createSlots(slotCount);
  const stopping = new AbortController();
  const batches = createBatches({ pgPool, log, registeredHandlers, slots, stopping: stopping.signal });
  const groupOf = async (more: object = {}): Promise<Group> => {
    const group = await batches.groupOf({ ...due('a'), ...more });
    if (group === null) throw new Error('it has no group');
    return group;
  };
  return { batches, groupOf, slots, stopping, registeredHandlers };
}

const never = () => waitBudget(new AbortController().signal);

test('attempts of one group share a slot until each has left; others have their own', async () => {
  const { groupOf, slots, batches } = batchesOf(3, 10);
  const [group, newer] = [await groupOf(), await groupOf({ version: '2' })];
  const seats = [group.tryJoin(), newer.tryJoin(), group.tryJoin()];
  expect(slots.taken()).toBe(2);
  seats.push((await groupOf()).tryJoin());
  expect(slots.taken()).toBe(2);
  seats.push((await groupOf()).tryJoin());
  expect(slots.taken()).toBe(3);
  for (const seat of seats) seat?.leave();
  expect(slots.taken()).toBe(0);
  expect(await batches.groupOf({ ...due('s'), isSuspect: true })).toBeNull();
});

test.each([
  ['a limit of the pool', { concurrency: 3 }],
  ['a limit of the runner', { concurrency: { limit: 3, scope: 'runner' } }],
] as const)('%s without a key bounds the seats of a batch', async (_what, policy) => {
  const { groupOf, slots } = batchesOf(100, 10, policy);
  const group = await groupOf();
  for (let seats = 0; seats < 3; seats++) group.tryJoin();
  expect(slots.taken()).toBe(1);
  group.tryJoin();
  expect(slots.taken()).toBe(2);
});

test('those that wait for a slot join the batch of the first that gets one, in their order, and no more than it has seats', async () => {
  const { groupOf, slots } = batchesOf(3, 1);
  slots.tryTake();
  const joined: string[] = [];
  const join = async (id: string): Promise<Seat | null> => {
    const seat = await (await groupOf()).join(never());
    joined.push(id);
    return seat;
  };
  const waiting = ['a', 'b', 'c', 'd'].map(join);
  await new Promise(setImmediate);
  expect(joined).toEqual([]);
  slots.release();
  const seats = await Promise.all(waiting.slice(0, 3));
  expect([joined, slots.taken()]).toEqual([['a', 'b', 'c'], 1]);
  for (const seat of seats) seat?.leave();
  await waiting[3];
  expect([joined, slots.taken()]).toEqual([['a', 'b', 'c', 'd'], 1]);
});

test('a runner whose only slot has an open batch has room for more dispatches, until the batch is closed', async () => {
  const { groupOf, slots, batches } = batchesOf(3, 1);
  slots.tryTake();
  const room = slots.room(never());
  const waiting = (await groupOf()).join(never());
  expect(batches.isOpen()).toBe(false);
  slots.release();
  await waiting;
  // It goes on although no slot is free.
  await room;
  expect([slots.taken(), batches.isOpen()]).toEqual([1, true]);
  const group = await groupOf();
  group.tryJoin();
  group.tryJoin();
  expect(batches.isOpen()).toBe(false);
});

test('one whose wait budget is over gets no seat and leaves no slot taken', async () => {
  const { groupOf, slots, stopping } = batchesOf(3, 1);
  slots.tryTake();
  const waiting = (await groupOf()).join(waitBudget(stopping.signal));
  stopping.abort();
  expect(await waiting).toBeNull();
  slots.release();
  expect(slots.taken()).toBe(0);
});

test('the pace of a name with batches is the share of each task in its call', async () => {
  const { groupOf, slots, registeredHandlers } = batchesOf(2, 1);
  const running = trackRunning({ report: async () => new Set(), graceMs: 1_000, concurrency: 1, log });
  onTestFinished(() => running.close());
  const pace = createPace();
  const noted = vi.spyOn(pace, 'note');
  const run = attemptRunner(
    {
      ...{ pgPool, log, running, registeredHandlers, events: createEvents(log) },
      taskLog: createTaskLog(log, { write: () => {} }),
      slots: { free: () => {}, keep: () => {}, hold: async () => {}, handOn: () => false },
    },
    pace,
    () => {},
  );
  const group = await groupOf();
  const seats = [group.tryJoin(), group.tryJoin()];
  const outcomes = await Promise.all(seats.map((seat, n) => run(due(String(n)), performance.now(), seat)));
  expect(noted.mock.calls).toEqual(outcomes.map((outcome) => ['t.x', (outcome?.durationMs ?? 0) / 2]));
  expect(slots.taken()).toBe(0);
});

test('a runner reports the slots that its attempts hold: one for each batch', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const running = trackRunning({ report: async () => new Set(), graceMs: 1_000, concurrency: 10, log });
  onTestFinished(() => running.close());
  const batch = {};
  for (const [id, isTogether] of [
    ['a', true],
    ['b', true],
    ['c', false],
  ] as const) {
    const attempt: AttemptUnderWay = running.add(due(id), 60_000);
    if (isTogether) attempt.seat = { batch, arrive: () => {}, leave: () => {} };
  }
  vi.advanceTimersByTime(250);
  expect(viewLoop(running.shared).inFlight()).toBe(2);
});

beforeEach(() => void vi.restoreAllMocks());
