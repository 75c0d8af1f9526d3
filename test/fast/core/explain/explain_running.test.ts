import { expect, test } from 'vitest';
import { at, codesOf, explained, NAMED, RUNNER } from './explaining.ts';

const RUNNING = { state: 'running', attempt: 2, started_at: at(-90), progress: null } as const;

test('running: where, since when, how far, and how long it may', () => {
  const { reasons, summary, next_attempt_at, next_steps } = explained({
    task: { ...RUNNING, progress: 0.4, progress_note: 'page 4\nof 10' },
    runner: RUNNER,
    queue: null,
  });
  expect(reasons).toEqual([
    {
      code: 'running',
      message:
        'Attempt 2 of 25 has been running for 1.5 min in runner 3 (one, pid 42), is 40 % done (page 4 of 10), and has 59 min left until its time limit',
      since: at(-90),
      until: at(3_510),
      runner: NAMED,
    },
  ]);
  expect(summary).toMatch(/^billing\.send is running: attempt 2 of 25 has been running/);
  expect([next_attempt_at, next_steps]).toEqual([null, []]);
});

test('running beyond its time limit, without one that is known, and where nobody knows', () => {
  const over = explained({ task: RUNNING, runner: RUNNER, timeout_ms: 60_000, queue: null });
  expect(over.reasons[0]).toMatchObject({
    message: expect.stringMatching(/pid 42\), and its time limit is over$/),
    until: at(-30),
  });
  const bare = explained({ task: { ...RUNNING, started_at: null }, timeout_ms: null, queue: null });
  expect(bare.reasons).toEqual([
    { code: 'running', message: 'Attempt 2 of 25 has been running for 0 s in a runner', since: at(0) },
  ]);
});

test('its runner is overdue, or has left', () => {
  const late = explained({ task: RUNNING, runner: { ...RUNNER, lease_until: at(-12) }, queue: null });
  expect(codesOf(late)).toEqual(['runner_overdue', 'running']);
  expect(late.reasons[0]?.message).toMatch(
    /^Runner 3 .* was executing it, has not renewed its lease, which ran out 12 s ago; another runner takes/,
  );
  const alone = explained({
    task: RUNNING,
    runner: { ...RUNNER, lease_until: at(-0.001) },
    runners: { live: 0, able: 0, slots: 0, busy: 0, elsewhere: 0 },
    queue: null,
  });
  expect(alone.reasons[0]?.message).toMatch(/0 s ago; no runner is live to take it over$/);
  expect(alone.next_steps).toEqual(['Start a runner: npm run runner']);
  const left = explained({ task: RUNNING, runner: { ...RUNNER, has_ended: true }, queue: null });
  expect(left.reasons[0]?.message).toMatch(/has left the pool; another runner takes it over/);
});

test('asked to end: by whom and why', () => {
  const task = { ...RUNNING, cancel_requested_at: at(-2) };
  const act = { actor: 'key:ci', at: at(-2), reason: 'wrong customer' };
  const known = explained({ task, act, runner: RUNNER, queue: null });
  expect(codesOf(known)).toEqual(['cancel_requested', 'running']);
  expect(known.reasons[0]).toEqual({
    code: 'cancel_requested',
    message:
      'key:ci asked it to end 2 s ago, because: wrong customer; it ends when its handler reacts to the signal',
    since: at(-2),
    actor: 'key:ci',
    reason: 'wrong customer',
  });
  expect(known.summary).toMatch(/^billing\.send is running: key:ci asked it/);
  const unknown = explained({ task, runner: RUNNER, queue: null });
  expect(unknown.reasons[0]).toEqual({
    code: 'cancel_requested',
    message: 'Somebody asked it to end 2 s ago; it ends when its handler reacts to the signal',
    since: at(-2),
  });
});
