import { pino } from 'pino';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { AttemptAborted, AttemptUnderWay } from '../../../../runner/execute/attempt.ts';
import { createHandOn } from '../../../../runner/execute/hand_on.ts';
import { heldSlots } from '../../../../runner/execute/held_slots.ts';
import { createEvents } from '../../../../runner/record/events.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { due } from '../dispatch_work.ts';

const GRACE_MS = 1_000;
const log = pino({ level: 'silent' });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** Slots whose handlers are given up, and how often a handler was deaf. Nothing is freed here. */
function slots() {
  const events = createEvents(log);
  let deaf = 0;
  events.on('deaf', () => deaf++);
  const pgPool = openPool({
    ...{ connectionString: 'postgres://127.0.0.1:1/none', applicationName: 'test', size: 1 },
    ...{ statementTimeoutMs: 1_000, onError: () => {} },
  });
  const handOn = createHandOn(async (keys) => keys.map(() => true), new AbortController().signal);
  return {
    held: heldSlots({ pgPool, runnerId: 1, graceMs: GRACE_MS, events, log, handOn, onHold: () => {} }),
    deaf: () => deaf,
  };
}

/** An attempt whose handler does not return, and that was aborted and given up. */
function givenUp(id: string): AttemptUnderWay {
  const attempt = underWay(id);
  attempt.abort(new AttemptAborted('cancelled', 'The task was cancelled'));
  attempt.abandon();
  return attempt;
}

function underWay(id: string): AttemptUnderWay {
  const attempt = new AttemptUnderWay(due(id), 60_000);
  attempt.unlessAbandoned(new Promise(() => {})).catch(() => {});
  return attempt;
}

test('Q6: a handler that does not return within another grace is deaf', () => {
  const { held, deaf } = slots();
  held.keep(givenUp('a'));
  vi.advanceTimersByTime(GRACE_MS - 1);
  expect([deaf(), held.areKept()]).toEqual([0, true]);
  vi.advanceTimersByTime(1);
  expect(deaf()).toBe(1);
});

test('Q11: a batch handler is not deaf while it works for a task that need not end, and keeps the slot of one that was cancelled', () => {
  const { held, deaf } = slots();
  const [cancelled, other] = [givenUp('a'), underWay('b')];
  for (const one of [cancelled, other]) one.together = [cancelled, other];
  held.keep(cancelled);
  vi.advanceTimersByTime(100 * GRACE_MS);
  expect([deaf(), held.areKept()]).toEqual([0, true]);
  other.abort(new AttemptAborted('timed_out', 'It took too long'));
  vi.advanceTimersByTime(GRACE_MS);
  expect(deaf()).toBe(1);
});
