import { expect, test } from 'vitest';
import { inTime, REASON_CODES, type Reason } from '../../../../core/explain/explain_facts.ts';
import { STATES } from '../../../../core/states.ts';
import { at, error, explained, type Given, member, RETRY, RUNNER } from './explaining.ts';

test('a task that is due, with a free slot for it, is about to start', () => {
  expect(explained({})).toEqual({
    id: '01a1fda3-8ecb-7e32-bbab-5d3baba36f01',
    name: 'billing.send',
    version: '1.0.0',
    state: 'queued',
    summary:
      'billing.send is queued: it is number 1 in the queue of billing.send, and a slot is free for it.',
    reasons: [
      {
        code: 'queued',
        message: 'It is number 1 in the queue of billing.send, and a slot is free for it',
        since: at(-1),
      },
    ],
    next_steps: [],
    queue: { position: 1, position_is_capped: false, estimated_start_at: at(0) },
    runners: { live: 2, able: 1, slots: 10, busy: 4, elsewhere: 0 },
    attempt: 1,
    max_attempts: 25,
    next_attempt_at: at(-1),
    last_error: null,
    explained_at: at(0),
  });
});

test('all slots are busy: the rate of late tells when it starts, if anything finished', () => {
  const busy = { live: 2, able: 2, slots: 20, busy: 20, elsewhere: 0 };
  const queue = { ahead: 5, is_capped: false };
  const known = explained({ runners: busy, queue, finished: { count: 30, since: at(-60), mean_ms: null } });
  expect(known.reasons).toEqual([
    {
      code: 'no_free_slot',
      message: 'All 20 slots of the 2 runners that can execute it were in use at the last heartbeat',
    },
    {
      code: 'queued',
      message: 'It is number 6 in the queue of billing.send, and it starts in about 12 s',
      since: at(-1),
    },
  ]);
  const busy_with = [
    { name: 'webhook.deliver', count: 12 },
    { name: 'billing.send', count: 8 },
  ];
  expect(explained({ runners: busy, queue, busy_with }).reasons[0]?.message).toMatch(
    / at the last heartbeat; the pool runs 12 of webhook\.deliver, 8 of billing\.send$/,
  );
  expect(known.next_steps).toEqual(['Wait, start another runner, or raise RUNNER_CONCURRENCY']);
  expect(known.queue).toEqual({ position: 6, position_is_capped: false, estimated_start_at: at(12) });
  const unknown = explained({ runners: { live: 1, able: 1, slots: 2, busy: 2, elsewhere: 0 }, queue });
  expect(unknown.reasons.map(({ message }) => message)).toEqual([
    'All 2 slots of the runner that can execute it were in use at the last heartbeat',
    'It is number 6 in the queue of billing.send, and no task has finished recently, so its start cannot be estimated',
  ]);
  expect(unknown.queue?.estimated_start_at).toBeNull();
});

test('free slots are for those before it first', () => {
  const runners = { live: 1, able: 1, slots: 10, busy: 4, elsewhere: 0 };
  const finished = { count: 10, since: at(-10), mean_ms: null };
  const startOf = (ahead: number): string | null | undefined =>
    explained({ runners, finished, queue: { ahead, is_capped: false } }).queue?.estimated_start_at;
  expect(startOf(5)).toBe(at(0));
  expect(startOf(6)).toBe(at(1));
  expect(startOf(15)).toBe(at(10));
  const atOnce = explained({
    finished: { count: 2, since: at(0), mean_ms: null },
    queue: { ahead: 7, is_capped: false },
  });
  expect(atOnce.queue?.estimated_start_at).toBe(at(0.001));
});

test('a task that waits for a slot of a limit says which, who holds the slots, its place, and when it starts', () => {
  const holder = { id: 'h1', name: 'billing.send', step: null, state: 'queued' as const };
  const limit = {
    name: 'billing.send:key',
    key: 'acme',
    slots: 2,
    taken: 2,
    pause: null,
    ahead: 4,
    is_capped: false,
  };
  const { reasons, queue, next_steps } = explained({
    dispatch: null,
    task: { run_at: at(-60) },
    finished: { count: 3, since: at(-60), mean_ms: 4_000 },
    limit: { ...limit, holders: [{ ...holder, since: at(-3), runner_id: 7 }] },
  });
  expect(reasons).toEqual([
    {
      code: 'limit_full',
      message:
        'It waits for a slot of the limit billing.send:key for "acme", of which 2 of 2 are taken, by billing.send h1 for 3 s and 1 more; it is number 5 of those that wait, and it starts in about 12 s',
      since: at(-60),
      tasks: [holder],
      limit: { name: 'billing.send:key', key: 'acme', slots: 2, taken: 2, position: 5 },
    },
  ]);
  expect(queue?.estimated_start_at).toBe(at(12));
  expect(next_steps[0]).toBe(
    'Wait, cancel a task that holds a slot, or raise the limit: PUT /v1/limits/billing.send:key with {"limit": 3}',
  );
  const unknown = explained({ dispatch: null, limit: { ...limit, key: '', is_capped: true, holders: [] } });
  expect(unknown.reasons[0]?.message).toBe(
    'It waits for a slot of the limit billing.send:key, of which 2 of 2 are taken; it is at least number 5 of those that wait, and no task has finished recently, so its start cannot be estimated',
  );
});

test('a task that must start in time says when it expires, and an expired one when it was to start', () => {
  const waiting = explained({ task: { expires_at: at(90) } });
  expect(waiting.reasons.map(({ code }) => code)).toEqual(['queued', 'expires']);
  expect(waiting.reasons[1]).toMatchObject({
    until: at(90),
    message: 'It expires in 1.5 min unless it starts',
  });
  const task = { state: 'expired' as const, run_at: at(-60), expires_at: at(-30), finished_at: at(-29) };
  const { reasons, next_steps } = explained({ task, dispatch: null, queue: null });
  expect(reasons).toEqual([
    {
      code: 'expired',
      message: `No attempt started by ${at(-30)}, 30 s after it was due, so the task was not run`,
      since: at(-29),
    },
  ]);
  expect(next_steps).toEqual([`To run it after all: ${RETRY}`]);
});

test('a task that waits for a paused limit says who paused it, when and why, and has no estimate', () => {
  const { reasons, queue, next_steps } = explained({
    dispatch: null,
    task: { run_at: at(-60) },
    finished: { count: 3, since: at(-60), mean_ms: 4_000 },
    limit: {
      ...{ name: 'billing.printer', key: '', slots: 2, taken: 0, ahead: 4, is_capped: false, holders: [] },
      pause: { actor: 'user:ann', paused_at: at(-180), reason: 'no paper' },
    },
  });
  expect(reasons).toEqual([
    {
      code: 'limit_paused',
      message:
        'It is number 5 of those that wait for the limit billing.printer, which is paused, so nothing starts under it: user:ann paused it 3 min ago, because: no paper',
      target: 'billing.printer',
      actor: 'user:ann',
      reason: 'no paper',
      since: at(-180),
      limit: { name: 'billing.printer', key: '', slots: 2, taken: 0, position: 5 },
    },
  ]);
  expect(queue?.estimated_start_at).toBeNull();
  expect(next_steps[0]).toBe('Resume it: PUT /v1/limits/billing.printer with {"paused": false}');
});

test('a place that was not counted to the end says so', () => {
  const { reasons, queue } = explained({ queue: { ahead: 10_000, is_capped: true } });
  expect(reasons[0]?.message).toMatch(/^It is at least number 10001 in the queue/);
  expect(queue).toMatchObject({ position: 10_001, position_is_capped: true });
});

test('a task of any state has a reason, whatever else is known', () => {
  for (const state of STATES) {
    for (const dispatch of [null, { is_locked: true }, { is_locked: false }]) {
      for (const runners of [
        { live: 0, able: 0, slots: 0, busy: 0, elsewhere: 0 },
        { live: 1, able: 1, slots: 1, busy: 1, elsewhere: 0 },
        { live: 1, able: 1, slots: 1, busy: 0, elsewhere: 0 },
      ]) {
        for (const seconds of [-60, -1, 60]) {
          const task = { state, run_at: at(seconds) };
          const queue = seconds < 0 ? { ahead: 0, is_capped: false } : null;
          const { reasons, summary } = explained({ task, dispatch, runners, queue });
          expect(reasons.length, JSON.stringify({ task, dispatch, runners })).toBeGreaterThan(0);
          expect(summary).toMatch(/^billing\.send (is|has|was) [^:]+: [^A-Z].*\.$/);
        }
      }
    }
  }
});

test('durations are told as people do', () => {
  expect([-5, 0, 40, 999, 9_940, 59_000, 60_000, 3_540_000, 7_200_000, 200_000_000].map(inTime)).toEqual([
    '0 s',
    '0 s',
    '0 s',
    '1 s',
    '9.9 s',
    '59 s',
    '1 min',
    '59 min',
    '2 h',
    '2.3 d',
  ]);
});

test('a task that waits for a rate says when the next one may start, its place, and when it starts', () => {
  const limit = { name: 'mail.send:rate:key', key: 'acme', slots: 10, taken: 5, ahead: 12, is_capped: false };
  const rate = { period_ms: 60_000, burst: 5 };
  const given = { ...limit, holders: [], rate, next_at: at(20), held_until: null };
  const { reasons, queue, next_steps } = explained({
    dispatch: null,
    task: { run_at: at(-60) },
    limit: given,
  });
  expect(reasons).toEqual([
    {
      code: 'limit_full',
      message:
        'It waits for a start under the rate mail.send:rate:key for "acme", which allows 10 in 1 min, at most 5 together; the next one may start in 20 s; it is number 13 of those that wait, and it starts in about 1.3 min',
      since: at(-60),
      until: at(20),
      limit: {
        ...{ name: limit.name, key: 'acme', slots: 10, taken: 5, position: 13 },
        period_seconds: 60,
        burst: 5,
      },
    },
  ]);
  expect(queue?.estimated_start_at).toBe(at(80));
  expect(next_steps[0]).toBe(
    'Wait, or raise the limit: PUT /v1/limits/mail.send:rate:key with {"limit": 11}',
  );
});

test('a task whose limit is held because of RateLimited says until when, with and without a rate', () => {
  const limit = { name: 'mail.send', key: '', slots: 2, taken: 1, ahead: 0, is_capped: false, holders: [] };
  const held = explained({ dispatch: null, limit: { ...limit, next_at: at(300), held_until: at(300) } });
  expect(held.reasons[0]?.message).toBe(
    'It waits for a slot of the limit mail.send; the next one may start in 5 min, because something outside refuses more for now (RateLimited); it is number 1 of those that wait, and its start cannot be estimated',
  );
  expect(held.reasons[0]?.until).toBe(at(300));
  const rate = { period_ms: 60_000, burst: 2 };
  const both = explained({
    dispatch: null,
    limit: { ...limit, rate, next_at: at(400), held_until: at(300) },
  });
  expect(both.queue?.estimated_start_at).toBe(at(400));
});

/** For each code a task that has it. */
const EXAMPLES: Record<Reason['code'], Given> = {
  cancel_requested: { task: { state: 'running', cancel_requested_at: at(-1) } },
  paused: { pauses: [{ target: 'billing', paused_at: at(-1), actor: 'a', reason: null }] },
  scheduled: { task: { state: 'scheduled', run_at: at(1) } },
  backing_off: { task: { state: 'retrying', run_at: at(1) } },
  waiting_for_steps: { task: { state: 'waiting' } },
  waiting_for_failure: { task: { state: 'waiting', step: 'on_failure' } },
  waiting_for_children: { task: { state: 'running', children: 2, pending: 2 } },
  limit_paused: {
    limit: {
      ...{ name: 'a.b', key: '', slots: 1, taken: 0, ahead: 0, is_capped: false, holders: [] },
      pause: { actor: 'a', paused_at: at(-1), reason: null },
    },
  },
  limit_full: {
    limit: { name: 'a.b', key: '', slots: 1, taken: 1, pause: null, ahead: 0, is_capped: false, holders: [] },
  },
  no_live_runner: { runners: { live: 0, able: 0, slots: 0, busy: 0, elsewhere: 0 } },
  no_runner_for_namespace: { runners: { live: 1, able: 0, slots: 0, busy: 0, elsewhere: 1 } },
  no_runner_for_name: { runners: { live: 1, able: 0, slots: 0, busy: 0, elsewhere: 0 } },
  needs_newer_runner: {
    runners: { live: 1, able: 0, slots: 0, busy: 0, elsewhere: 0 },
    older: { count: 1, some: [{ ...RUNNER, version: '0.9.0' }] },
  },
  dispatch_lost: { dispatch: null, task: { run_at: at(-6) } },
  claimed: { dispatch: { is_locked: true } },
  runner_overdue: { dispatch: { is_locked: true }, runner: { ...RUNNER, lease_until: at(-1) } },
  suspect: { task: { crashes: 1 } },
  no_free_slot: { runners: { live: 1, able: 1, slots: 1, busy: 1, elsewhere: 0 } },
  queued: {},
  expires: { task: { expires_at: at(-0.5) } },
  running: { task: { state: 'running' } },
  succeeded: { task: { state: 'succeeded' } },
  skipped: { task: { state: 'succeeded', skipped: true } },
  step_failed: {
    task: { state: 'failed', children: 1, error: error('', { error_code: 'STEP_FAILED' }) },
    family: { done: 0, failed: 1, members: [member('a', 'failed')] },
  },
  failed_permanently: { task: { state: 'failed', error: error('', { retryable: false }) } },
  attempts_exhausted: { task: { state: 'failed', error: error('') } },
  timed_out: {
    task: { state: 'failed', error: error('') },
    failure: { attempt: 1, outcome: 'timed_out', error: error('') },
  },
  quarantined: { task: { state: 'failed', error: error('', { error_code: 'QUARANTINED' }) } },
  payload_invalid: { task: { state: 'failed', error: error('', { error_code: 'VALIDATION_FAILED' }) } },
  cancelled: { task: { state: 'cancelled' } },
  resolved: { task: { state: 'resolved' } },
  expired: { task: { state: 'expired', expires_at: at(-10), run_at: at(-40) } },
  dismissed: { task: { state: 'failed', error: error(''), dismissed_at: at(-60) } },
};

test('there is an example of every code', () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual([...REASON_CODES].sort());
});

test.each(Object.entries(EXAMPLES))('%s is the first reason of its example', (code, given) => {
  const { reasons, summary } = explained(given);
  expect(reasons[0]?.code).toBe(code);
  expect(summary.toLowerCase()).toContain(reasons[0]?.message.toLowerCase());
});
