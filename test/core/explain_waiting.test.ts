import { expect, test } from 'vitest';
import { at, codesOf, error, explained, NAMED, RUNNER } from './explaining.ts';

test('paused: by whom, since when and why, the namespace and the name; nothing tells when it starts', () => {
  const { reasons, summary, next_steps, queue } = explained({
    pauses: [
      { target: 'billing', paused_at: at(-120), actor: 'user:ann', reason: 'stock-taking' },
      { target: 'billing.send', paused_at: at(-30), actor: 'Ben', reason: null },
    ],
  });
  expect(reasons).toEqual([
    {
      code: 'paused',
      message: 'Nothing of billing starts since user:ann paused it 2 min ago, because: stock-taking',
      target: 'billing',
      actor: 'user:ann',
      reason: 'stock-taking',
      since: at(-120),
    },
    {
      code: 'paused',
      message: 'Nothing of billing.send starts since Ben paused it 30 s ago',
      target: 'billing.send',
      actor: 'Ben',
      reason: null,
      since: at(-30),
    },
  ]);
  expect(summary).toBe(
    'billing.send is queued: nothing of billing starts since user:ann paused it 2 min ago, because: stock-taking.',
  );
  expect(next_steps).toEqual([
    'Resume it: PUT /v1/queues/billing/resume',
    'Resume it: PUT /v1/queues/billing.send/resume',
  ]);
  expect(queue).toEqual({ position: 1, position_is_capped: false, estimated_start_at: null });
});

test('no live runner, and none that has the name', () => {
  const none = explained({ runners: { live: 0, able: 0, slots: 0, busy: 0 } });
  expect(none.reasons).toEqual([{ code: 'no_live_runner', message: 'No runner is live' }]);
  expect(none.next_steps).toEqual(['Start a runner that has billing.send: npm run runner']);
  expect(none.queue?.estimated_start_at).toBeNull();
  const one = explained({ runners: { live: 1, able: 0, slots: 0, busy: 0 } });
  expect(one.reasons).toEqual([
    { code: 'no_runner_for_name', message: 'The one live runner can not execute billing.send' },
  ]);
  const three = explained({ runners: { live: 3, able: 0, slots: 0, busy: 0 } });
  expect(three.reasons[0]?.message).toBe('None of the 3 live runners can execute billing.send');
  expect(three.next_steps).toEqual(['Start a runner that has billing.send']);
});

test('no live runner knows its version: what they have, and how to go on', () => {
  const some = [7, 5].map((id) => ({ id, host: 'worker', pid: 42, version: `1.${id}.0` }));
  const { summary, reasons, next_steps, version } = explained({
    task: { version: '2.1.0' },
    runners: { live: 4, able: 0, slots: 0, busy: 0 },
    older: { count: 3, some },
  });
  expect(version).toBe('2.1.0');
  expect(reasons).toEqual([
    {
      code: 'needs_newer_runner',
      message:
        'Its version is 2.1.0, which no live runner knows: runner 7 (worker, pid 42) has 1.7.0, runner 5 (worker, pid 42) has 1.5.0, 1 more have older ones, too',
    },
  ]);
  expect(summary).toBe(`billing.send is queued: i${reasons[0]?.message.slice(1)}.`);
  expect(next_steps).toEqual([
    'Start a runner whose definition of billing.send is 2.1.0 or newer: it begins there at once',
    'If that version was taken back for good: DELETE /v1/tasks/01a1fda3-8ecb-7e32-bbab-5d3baba36f01, and submit it again as the version that is deployed',
  ]);
});

test('scheduled: until when; it has no place in the queue', () => {
  const { reasons, queue, next_attempt_at } = explained({
    task: { state: 'scheduled', run_at: at(7_200) },
    queue: null,
    ring: null,
  });
  expect(reasons).toEqual([
    { code: 'scheduled', message: `It is not due yet, but in 2 h, at ${at(7_200)}`, until: at(7_200) },
  ]);
  expect(queue).toBeNull();
  expect(next_attempt_at).toBe(at(7_200));
});

test('backing off: which attempt failed with what, and when the next is due', () => {
  const failure = error('no\n  paper', { error_type: 'PrinterError' });
  const { reasons, last_error } = explained({
    task: { state: 'retrying', attempt: 3, run_at: at(4), error: failure },
    failure: { attempt: 2, outcome: 'failed', error: failure },
    queue: null,
  });
  expect(reasons).toEqual([
    {
      code: 'backing_off',
      message: `Attempt 2 of 25 failed with PrinterError: no paper, and the next is due in 4 s, at ${at(4)}`,
      until: at(4),
    },
  ]);
  expect(last_error).toEqual(failure);
  const unknown = explained({ task: { state: 'retrying', attempt: 3, run_at: at(4) }, queue: null });
  expect(unknown.reasons[0]?.message).toMatch(/^Attempt 2 of 25 failed with an error that was not kept, /);
});

test('what is not due comes before missing runners, and after a pause', () => {
  const pauses = [{ target: 'billing', paused_at: at(-1), actor: 'a', reason: null }];
  const runners = { live: 0, able: 0, slots: 0, busy: 0 };
  const later = { state: 'scheduled', run_at: at(60) } as const;
  expect(codesOf(explained({ task: later, pauses, runners, queue: null }))).toEqual([
    'paused',
    'scheduled',
    'no_live_runner',
  ]);
});

test('waiting for steps', () => {
  const { reasons, summary, next_attempt_at } = explained({ task: { state: 'waiting' }, queue: null });
  expect(reasons.map(({ code }) => code)).toEqual(['waiting_for_steps']);
  expect(summary).toMatch(/^billing\.send is waiting: it waits until other steps/);
  expect(next_attempt_at).toBeNull();
});

test('due without a ring: after five seconds it is lost, before it may just be on its way', () => {
  const lost = explained({ task: { run_at: at(-6) }, ring: null });
  expect(codesOf(lost)).toEqual(['due_without_ring']);
  expect(lost.reasons[0]).toMatchObject({
    message: expect.stringMatching(/^It has been due for 6 s and its ring is lost/),
    since: at(-6),
  });
  expect(lost.queue?.estimated_start_at).toBeNull();
  const onItsWay = explained({ task: { run_at: at(-5) }, ring: null });
  expect(codesOf(onItsWay)).toEqual(['queued']);
  expect(onItsWay.queue?.estimated_start_at).toBe(at(0));
});

test('ring locked: by a runner, or by one that is gone', () => {
  const { reasons } = explained({ ring: { is_locked: true }, runner: RUNNER });
  expect(reasons).toEqual([
    {
      code: 'ring_locked',
      message:
        'Runner 3 (one, pid 42) has fetched it, and starts it when a slot is free, if it has not just begun',
      runner: NAMED,
    },
  ]);
  const gone = explained({ ring: { is_locked: true } });
  expect(gone.reasons).toEqual([
    { code: 'ring_locked', message: expect.stringMatching(/^Its ring is held by a runner that is not/) },
  ]);
});

test('its ring is held by a runner whose lease ran out', () => {
  const { reasons, next_steps } = explained({
    ring: { is_locked: true },
    runner: { ...RUNNER, lease_until: at(-7) },
  });
  expect(reasons).toEqual([
    {
      code: 'runner_overdue',
      message:
        'Runner 3 (one, pid 42), which has fetched it, has not been heard of since its lease ran out 7 s ago; another runner takes it over when it has seen a whole lease itself',
      since: at(-7),
      runner: NAMED,
    },
  ]);
  expect(next_steps).toEqual([]);
});

test('a suspect is started by itself', () => {
  expect(codesOf(explained({ task: { crashes: 1 } }))).toEqual(['suspect', 'queued']);
  expect(explained({ task: { crashes: 1 } }).reasons[0]?.message).toMatch(/^Its runner died once while/);
  expect(explained({ task: { crashes: 2 } }).reasons[0]?.message).toMatch(/^Its runner died 2 times while/);
});
