import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { RegisteredHandler } from '../../../../runner/execute/execute.ts';
import { createHandOff, type HandOff, type HandOffOptions } from '../../../../runner/fetch/hand_off.ts';
import type { Held, Offer } from '../../../../store/attempts/hand_off.ts';
import type { DueAttempt } from '../../../../store/attempts/load.ts';
import type { Outcome, Recorded } from '../../../../store/attempts/outcomes.ts';
import { until } from '../../../support/until.ts';

// What a runner offers to hold, and how it finds what it holds without knowing.

const outcome = (name: string): Outcome => ({
  ...{ id: name, dispatchId: name, name, priority: 0, attempt: 1, durationMs: 1, parentId: 'w' },
  ...{ hasChildren: false, lines: [], progress: null, kind: 'succeeded', result: null },
});
const due = (dispatchId: string): DueAttempt => ({ id: `task-${dispatchId}`, dispatchId }) as DueAttempt;
const recorded = (held: string[], count = 1): Recorded => ({
  fenced: false,
  ids: new Set(Array.from({ length: count }, (_none, index) => String(index))),
  held: held.map(due),
});

/** A hand-off with so many free slots; b and c come after a, and the runner cannot execute d, which does too. */
function make(options: Partial<HandOffOptions> & { free?: number; held?: Held[] } = {}) {
  // It never looks by the clock.
  vi.useFakeTimers({ toFake: ['setInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const requeued: string[] = [];
  const stopping = new AbortController();
  const registered: RegisteredHandler = { handler: () => null, definition: {} as never };
  const handOff = createHandOff({
    registeredHandlers: new Map([
      ['a', { ...registered, successors: ['b', 'c', 'd'] }],
      ['b', registered],
      ['c', registered],
    ]),
    slots: { free: () => options.free ?? 3 },
    pace: { of: () => undefined },
    limited: [],
    isHeldBack: () => false,
    work: async () => {},
    readHeld: async () => options.held ?? [],
    requeue: async ({ key }) => void requeued.push(key),
    stopping: stopping.signal,
    log: pino({ level: 'silent' }),
    ...options,
  });
  onTestFinished(() => handOff.stop());
  return { handOff, requeued, stopping };
}

/** What is offered for these outcomes. */
async function offered(handOff: HandOff, ...names: string[]): Promise<Offer> {
  let given: Offer = { names: [], room: -1 };
  await handOff.record(names.map(outcome), async (offer) => {
    given = offer;
    return recorded([], names.length);
  });
  return given;
}

test('the names that come after the outcomes are offered, if this runner can execute them and nothing holds them back', async () => {
  expect(await offered(make().handOff, 'a')).toMatchObject({ names: ['b', 'c'], room: 3 });
  expect(await offered(make().handOff, 'b', 'a')).toMatchObject({ names: ['b', 'c'], room: 3 });
  expect(await offered(make({ isHeldBack: (name) => name === 'b' }).handOff, 'a')).toMatchObject({
    names: ['c'],
    room: 3,
  });
  expect(await offered(make().handOff, 'b')).toMatchObject({ names: [], room: 0 });
});

test('a slot is offered to one statement at a time, and none while the runner stops', async () => {
  const { handOff, stopping } = make({ free: 2 });
  const { promise: answer, resolve } = Promise.withResolvers<Recorded>();
  const first = handOff.record([outcome('a')], () => answer);
  expect(await offered(handOff, 'a')).toMatchObject({ room: 0 });
  resolve(recorded([]));
  await first;
  expect(await offered(handOff, 'a')).toMatchObject({ room: 2 });
  const failing = handOff.record([outcome('a')], () => Promise.reject(new Error('no answer')));
  await expect(failing).rejects.toThrow('no answer');
  expect(await offered(handOff, 'a')).toMatchObject({ room: 2 });
  stopping.abort();
  expect(await offered(handOff, 'a')).toMatchObject({ room: 0 });
  expect(await offered(make({ free: 0 }).handOff, 'a')).toMatchObject({ room: 0 });
});

test('after an outcome that did not count, what is held and not in hand is dispatched at once', async () => {
  const { promise: working, resolve: end } = Promise.withResolvers<void>();
  const held = ['known', 'unknown'].map((dispatchId) => ({ id: dispatchId, dispatchId }));
  const { handOff, requeued } = make({ held, work: () => working });
  await handOff.record([outcome('a')], async () => recorded(['known']));
  expect(handOff.inHand()).toBe(1);
  expect(requeued).toEqual([]);
  await handOff.record([outcome('a')], async () => recorded([], 0));
  await until('it is dispatched', () => requeued.length > 0);
  end();
  await handOff.stop();
  expect(requeued).toEqual(['unknown']);
  expect(handOff.inHand()).toBe(0);
});

test('an answer that is on its way is awaited: what it brings is not dispatched', async () => {
  const { promise: working, resolve: end } = Promise.withResolvers<void>();
  const { promise: answer, resolve } = Promise.withResolvers<Recorded>();
  let reads = 0;
  const { handOff, requeued } = make({
    work: () => working,
    readHeld: async () => {
      reads++;
      return [
        { id: '1', dispatchId: 'late' },
        { id: '2', dispatchId: 'unknown' },
      ];
    },
  });
  const late = handOff.record([outcome('a')], () => answer);
  await handOff.record([outcome('a')], async () => recorded([], 0));
  await until('it looks', () => reads === 1);
  expect(requeued).toEqual([]);
  resolve(recorded(['late']));
  await late;
  await until('the other one is dispatched', () => requeued.length > 0);
  expect(requeued).toEqual(['unknown']);
  end();
});

test('a task whose work fails is dispatched by the next look', async () => {
  const { handOff, requeued } = make({
    held: [{ id: '1', dispatchId: 'failed' }],
    work: () => Promise.reject(new Error('no luck')),
  });
  await handOff.record([outcome('a')], async () => recorded(['failed']));
  await until('it is not in hand', () => handOff.inHand() === 0);
  await handOff.record([outcome('a')], async () => recorded([], 0));
  await until('it is dispatched', () => requeued.length === 1);
});

test('a stop waits for what is in hand, and for what that hands off', async () => {
  const gates = new Map(['one', 'two'].map((name) => [name, Promise.withResolvers<void>()]));
  const worked: string[] = [];
  const { handOff } = make({
    async work({ dispatchId }) {
      await gates.get(dispatchId)?.promise;
      worked.push(dispatchId);
      if (dispatchId === 'one') await handOff.record([outcome('a')], async () => recorded(['two']));
    },
  });
  await handOff.record([outcome('a')], async () => recorded(['one']));
  const stopped = handOff.stop().then(() => worked.push('stopped'));
  gates.get('one')?.resolve();
  await until('the second one is in hand', () => worked.includes('one') && handOff.inHand() === 1);
  gates.get('two')?.resolve();
  await stopped;
  expect(worked).toEqual(['one', 'two', 'stopped']);
});
