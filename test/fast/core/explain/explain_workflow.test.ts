import { expect, test } from 'vitest';
import type { Member } from '../../../../core/explain/explain_facts.ts';
import { at, codesOf, error, explained, familyOf, member, NAMED, RUNNER } from './explaining.ts';

const ID = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';
const NONE = { live: 0, able: 0, slots: 0, busy: 0, elsewhere: 0 };

/** What a reason says of its tasks. */
const told = ({ id, name, step, state }: Member): object => ({ id, name, step, state });

/** A workflow that waits for its steps. */
const waits = (pending: number, ...members: Member[]) =>
  ({
    task: { state: 'running', started_at: at(-9), children: members.length, pending },
    family: familyOf(...members),
    dispatch: null,
    queue: null,
  }) as const;

test('a workflow tells which of its steps done, under way, and waiting for what', () => {
  const charge = member('charge', 'running', { after: ['check'] });
  const pack = member('pack', 'scheduled');
  const { reasons, summary, next_steps, queue, next_attempt_at } = explained(
    waits(
      2,
      member('check', 'succeeded'),
      member('gift', 'succeeded', { skipped: true }),
      charge,
      pack,
      member('ship', 'waiting', { after: ['check', 'charge', 'pack'] }),
      member('tell', 'waiting', { after: ['ship'] }),
      member('on_failure', 'waiting'),
    ),
  );
  expect(reasons).toEqual([
    {
      code: 'waiting_for_children',
      message:
        '2 of 6 steps done, 1 of them skipped; due or running: charge (running) and pack (scheduled); waiting: ship (for charge and pack) and tell (for ship)',
      since: at(-9),
      tasks: [charge, pack, member('ship', 'waiting'), member('tell', 'waiting')].map(told),
    },
  ]);
  expect(summary).toMatch(/^billing\.send is running: 2 of 6 steps done/);
  expect([next_steps, queue, next_attempt_at]).toEqual([[], null, null]);
});

test('a workflow with a step that failed says so before how far it is, and how to go on from there', () => {
  const failed = member('charge', 'failed', { message: 'card\nstolen' });
  const { reasons, next_steps } = explained(
    waits(1, failed, member('pack', 'running'), member('ship', 'waiting', { after: ['charge'] })),
  );
  expect(reasons.map(({ code, message, tasks }) => [code, message, tasks?.length])).toEqual([
    [
      'step_failed',
      '1 of 3 steps did not succeed: charge (failed: card stolen); the steps after that wait',
      1,
    ],
    [
      'waiting_for_children',
      '0 of 3 steps done; due or running: pack (running); waiting: ship (for charge)',
      2,
    ],
  ]);
  expect(next_steps).toEqual([
    `PATCH /v1/tasks/id of charge/retry runs charge again; PATCH /v1/tasks/${ID}/workflow_steps/id of charge resolves it by hand with a result`,
  ]);
});

test('the step for failures is told of when it runs, and when it failed itself', () => {
  const running = explained(waits(1, member('only', 'cancelled'), member('on_failure', 'running')));
  expect(running.reasons.map(({ message }) => message)).toEqual([
    '1 of 1 step did not succeed: only (cancelled); the steps after that wait',
    '0 of 1 step done; due or running: on_failure (running)',
  ]);
  const failed = explained({
    task: { state: 'failed', children: 2, error: error('', { error_code: 'STEP_FAILED' }) },
    family: familyOf(member('only', 'failed'), member('on_failure', 'failed')),
  });
  expect(failed.reasons[0]?.message).toBe(
    '2 of 2 steps did not succeed: only (failed) and on_failure (failed)',
  );
  expect(failed.next_steps.at(-1)).toBe('PATCH /v1/tasks/id of on_failure/retry runs on_failure again');
});

test('pauses, missing runners and a cancellation hold a workflow up like any task', () => {
  const given = waits(1, member('only', 'queued'));
  const held = explained({
    ...given,
    runners: NONE,
    pauses: [{ target: 'billing.send', paused_at: at(-1), actor: 'a', reason: null }],
  });
  expect(codesOf(held)).toEqual(['paused', 'no_live_runner', 'waiting_for_children']);
  const asked = explained({ ...given, task: { ...given.task, cancel_requested_at: at(-1) } });
  expect(codesOf(asked)).toEqual(['cancel_requested', 'waiting_for_children']);
  // Its runner is none, whoever had it before.
  expect(codesOf(explained({ ...given, dispatch: { is_locked: false } }))).toEqual(['waiting_for_children']);
});

test('a workflow that is due later has no dispatch to lose, also when that time has come', () => {
  const given = waits(1, member('first', 'scheduled'), member('then', 'waiting', { after: ['first'] }));
  const later = explained({
    ...given,
    task: { ...given.task, state: 'scheduled', started_at: null, run_at: at(7_200) },
  });
  expect(later.reasons).toMatchObject([
    { code: 'scheduled', until: at(7_200) },
    {
      code: 'waiting_for_children',
      message: '0 of 2 steps done; due: first (scheduled); waiting: then (for first)',
    },
  ]);
  expect(later.reasons[1]).not.toHaveProperty('since');
  expect(later.next_attempt_at).toBe(at(7_200));
  const due = explained({ ...given, task: { ...given.task, state: 'scheduled', run_at: at(-60) } });
  expect(codesOf(due)).toEqual(['waiting_for_children']);
});

test('what has a list of children tells how many are done, and one with a single child which that is', () => {
  const child = (step: string, state: Member['state']): Member => member(step, state, { step: null });
  const listed = {
    task: { state: 'running', step: 'each', children: 10_000, pending: 6_999 },
    family: { done: 3_000, failed: 1, members: [child('a', 'failed'), child('b', 'running')] },
    dispatch: null,
    queue: null,
  } as const;
  const many = explained(listed);
  expect(many.reasons).toMatchObject([
    { code: 'step_failed', message: '1 of 10000 children did not succeed: billing.send.a (failed)' },
    {
      code: 'waiting_for_children',
      message: '3000 of 10000 children done, 1 did not succeed, 6999 due or running',
      tasks: [{ id: 'id of b', step: null }],
    },
  ]);
  expect(many.next_steps).toEqual(['PATCH /v1/tasks/id of a/retry runs billing.send.a again']);
  const few = explained({
    ...listed,
    task: { ...listed.task, children: 2, pending: 1 },
    family: { done: 1, failed: 0, members: [child('b', 'running'), child('c', 'succeeded')] },
  });
  expect(few.reasons[0]?.message).toBe('1 of 2 children done, 1 due or running');
  const single = explained({
    ...listed,
    task: { ...listed.task, children: 1, pending: 1 },
    family: { done: 0, failed: 0, members: [child('b', 'queued')] },
  });
  expect(single.reasons[0]?.message).toBe(
    'The task waits for its child billing.send.b (id of b), which is queued',
  );
  // The caller may not see it.
  const hidden = explained({
    ...listed,
    task: { ...listed.task, children: 1, pending: 1 },
    family: { done: 0, failed: 0, members: [] },
  });
  expect(hidden.reasons).toEqual([
    { code: 'waiting_for_children', message: '0 of 1 child done, 1 due or running' },
  ]);
  const unknown = explained({
    ...listed,
    task: { ...listed.task, children: null, pending: 2 },
    family: null,
  });
  expect(unknown.reasons[0]?.message).toBe('0 of 2 children done, 2 due or running');
});

test('what is not kept of the steps leaves the rest as it is', () => {
  const stuck = explained(waits(1, member('then', 'waiting', { after: ['gone'] })));
  expect(stuck.reasons[0]?.message).toBe('0 of 1 step done; waiting: then (for gone)');
  const failed = explained({
    task: { state: 'failed', error: error('…', { error_code: 'STEP_FAILED' }) },
    family: { done: 0, failed: 1, members: [member('a', 'failed', { step: null })] },
  });
  expect(failed.reasons[0]?.message).toBe('1 of 1 child did not succeed: billing.send.a (failed)');
});

test('when all that it waited for has ended, its own attempt is in a runner', () => {
  const given = { task: { state: 'running', children: 2, started_at: at(-90) }, queue: null } as const;
  expect(explained({ ...given, runner: RUNNER }).reasons).toEqual([
    {
      code: 'running',
      message:
        'The tasks that it waited for have ended, and attempt 1 of 25 continues in runner 3 (one, pid 42)',
      since: at(-90),
      runner: NAMED,
    },
  ]);
  const bare = explained({ ...given, task: { ...given.task, started_at: null } });
  expect(bare.reasons).toEqual([
    {
      code: 'running',
      message: 'The tasks that it waited for have ended, and attempt 1 of 25 continues in a runner',
    },
  ]);
});
