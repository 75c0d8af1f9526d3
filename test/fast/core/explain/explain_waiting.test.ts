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
      message:
        'billing is paused, so none of its tasks start: user:ann paused it 2 min ago, because: stock-taking',
      target: 'billing',
      actor: 'user:ann',
      reason: 'stock-taking',
      since: at(-120),
    },
    {
      code: 'paused',
      message: 'billing.send is paused, so none of its tasks start: Ben paused it 30 s ago',
      target: 'billing.send',
      actor: 'Ben',
      reason: null,
      since: at(-30),
    },
  ]);
  expect(summary).toBe(
    'billing.send is queued: billing is paused, so none of its tasks start: user:ann paused it 2 min ago, because: stock-taking.',
  );
  expect(next_steps).toEqual([
    'Resume it: PUT /v1/queues/billing/resume',
    'Resume it: PUT /v1/queues/billing.send/resume',
  ]);
  expect(queue).toEqual({ position: 1, position_is_capped: false, estimated_start_at: null });
});

test('no live runner, and none that has the name', () => {
  const none = explained({ runners: { live: 0, able: 0, slots: 0, busy: 0, elsewhere: 0 } });
  expect(none.reasons).toEqual([{ code: 'no_live_runner', message: 'No runner is live' }]);
  expect(none.next_steps).toEqual(['Start a runner that can execute billing.send: npm run runner']);
  expect(none.queue?.estimated_start_at).toBeNull();
  const one = explained({ runners: { live: 1, able: 0, slots: 0, busy: 0, elsewhere: 0 } });
  expect(one.reasons).toEqual([
    { code: 'no_runner_for_name', message: 'The one live runner cannot execute billing.send' },
  ]);
  const three = explained({ runners: { live: 3, able: 0, slots: 0, busy: 0, elsewhere: 0 } });
  expect(three.reasons[0]?.message).toBe('None of the 3 live runners can execute billing.send');
  expect(three.next_steps).toEqual(['Start a runner that can execute billing.send']);
});

test('no live runner knows its version: what they have, and how to go on', () => {
  const some = [7, 5].map((id) => ({ id, host: 'worker', pid: 42, version: `1.${id}.0` }));
  const { summary, reasons, next_steps, version } = explained({
    task: { version: '2.1.0' },
    runners: { live: 4, able: 0, slots: 0, busy: 0, elsewhere: 0 },
    older: { count: 3, some },
  });
  expect(version).toBe('2.1.0');
  expect(reasons).toEqual([
    {
      code: 'needs_newer_runner',
      message:
        'Its version 2.1.0 is newer than the definition of every live runner: runner 7 (worker, pid 42) has 1.7.0, runner 5 (worker, pid 42) has 1.5.0, 1 more have older ones',
    },
  ]);
  expect(summary).toBe(`billing.send is queued: i${reasons[0]?.message.slice(1)}.`);
  expect(next_steps).toEqual([
    'Start a runner whose definition of billing.send is 2.1.0 or newer: the task starts there at once',
    'If that version was withdrawn for good: DELETE /v1/tasks/01a1fda3-8ecb-7e32-bbab-5d3baba36f01, and submit the task again with the deployed version',
  ]);
});

test('scheduled: until when; it has no place in the queue', () => {
  const { reasons, queue, next_attempt_at } = explained({
    task: { state: 'scheduled', run_at: at(7_200) },
    queue: null,
    dispatch: null,
  });
  expect(reasons).toEqual([
    { code: 'scheduled', message: `It is due in 2 h, at ${at(7_200)}`, until: at(7_200) },
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
      message: `Attempt 2 of 25 failed with PrinterError: no paper, and the next one is due in 4 s, at ${at(4)}`,
      until: at(4),
    },
  ]);
  expect(last_error).toEqual(failure);
  const unknown = explained({ task: { state: 'retrying', attempt: 3, run_at: at(4) }, queue: null });
  expect(unknown.reasons[0]?.message).toMatch(/^Attempt 2 of 25 failed with an error that was not kept, /);
});

test('what is not due comes before missing runners, and after a pause', () => {
  const pauses = [{ target: 'billing', paused_at: at(-1), actor: 'a', reason: null }];
  const runners = { live: 0, able: 0, slots: 0, busy: 0, elsewhere: 0 };
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
  expect(summary).toMatch(/^billing\.send is waiting: the step waits until other steps/);
  expect(next_attempt_at).toBeNull();
});

test('due without a dispatch: after five seconds it is lost, before it may just be on its way', () => {
  const lost = explained({ task: { run_at: at(-6) }, dispatch: null });
  expect(codesOf(lost)).toEqual(['dispatch_lost']);
  expect(lost.reasons[0]).toMatchObject({
    message: expect.stringMatching(/^It has been due for 6 s, but its dispatch is lost/),
    since: at(-6),
  });
  expect(lost.queue?.estimated_start_at).toBeNull();
  const onItsWay = explained({ task: { run_at: at(-5) }, dispatch: null });
  expect(codesOf(onItsWay)).toEqual(['queued']);
  expect(onItsWay.queue?.estimated_start_at).toBe(at(0));
});

test('dispatch locked: by a runner, or by one that is gone', () => {
  const { reasons } = explained({ dispatch: { is_locked: true }, runner: RUNNER });
  expect(reasons).toEqual([
    {
      code: 'claimed',
      message:
        'Runner 3 (one, pid 42) has fetched it, and starts it when a slot is free; it may just have started',
      runner: NAMED,
    },
  ]);
  const gone = explained({ dispatch: { is_locked: true } });
  expect(gone.reasons).toEqual([
    {
      code: 'claimed',
      message: expect.stringMatching(/^Its dispatch is locked by a runner that is no longer registered/),
    },
  ]);
});

test('its dispatch is held by a runner whose lease ran out', () => {
  const { reasons, next_steps } = explained({
    dispatch: { is_locked: true },
    runner: { ...RUNNER, lease_until: at(-7) },
  });
  expect(reasons).toEqual([
    {
      code: 'runner_overdue',
      message:
        'Runner 3 (one, pid 42), which has fetched it, has not renewed its lease, which ran out 7 s ago; another runner takes it over after it has observed one full lease',
      since: at(-7),
      runner: NAMED,
    },
  ]);
  expect(next_steps).toEqual([]);
});

test('a suspect: what is known of it, and how it starts', () => {
  const said = (task: { crashes?: number; suspect?: boolean }): string | undefined => {
    const explanation = explained({ task });
    expect(codesOf(explanation)).toEqual(['suspect', 'queued']);
    return explanation.reasons[0]?.message;
  };
  expect(said({ suspect: true })).toBe(
    'Its runner died after it had fetched the task, which may have run, so its start is recorded before it runs',
  );
  expect(said({ suspect: true, crashes: 1 })).toBe(
    'Its runner died once while it ran, so its start is recorded before it runs',
  );
  expect(said({ crashes: 2 })).toBe(
    'Its runner died 2 times while it ran, so it is executed alone, in a separate process',
  );
});

test('a runner whose event loop is blocked: by what, and no word of its death', () => {
  const blocked = { since: at(-12), by: '01a1fda3-8ecb-7e32-bbab-5d3baba36f02' };
  const dispatch = { is_locked: true };
  const other = explained({ dispatch, runner: { ...RUNNER, blocked } }).reasons[0];
  expect(other?.code).toBe('claimed');
  expect(other?.message).toMatch(
    /; the event loop of that runner has been blocked by task 01a1fda3-8ecb-7e32-bbab-5d3baba36f02 for 12 s$/,
  );
  const own = explained({
    task: { state: 'running', started_at: at(-20) },
    runner: { ...RUNNER, blocked: { ...blocked, by: explained({}).id } },
  });
  expect(own.reasons[0]?.message).toMatch(/has been blocked by this task for 12 s$/);
  const unknown = explained({ dispatch, runner: { ...RUNNER, blocked: { ...blocked, by: null } } });
  expect(unknown.reasons[0]?.message).toMatch(/has been blocked for 12 s$/);
});
