import { expect, test } from 'vitest';
import type { Member } from '../../../../core/explain/explain_facts.ts';
import { explained, type Given, member } from './explaining.ts';

/** A step that waits among others, after some of them. */
const waits = (after: string[], ...members: Member[]): Given => ({
  task: { state: 'waiting', step: 'me', after },
  parent: { id: 'P', name: 'billing.send', state: 'running' },
  family: { done: 0, failed: 0, members: [...members, member('me', 'waiting', { after })] },
  dispatch: null,
  queue: null,
});

test('a step that waits says for which steps, and what each is at; what is done is no matter', () => {
  const { reasons, summary, next_steps } = explained(
    waits(['a', 'b', 'c'], member('a', 'running'), member('b', 'succeeded'), member('c', 'retrying')),
  );
  expect(reasons).toEqual([
    {
      code: 'waiting_for_steps',
      message: 'The step waits for a (running) and c (retrying)',
      tasks: [
        { id: 'id of a', name: 'billing.send.a', step: 'a', state: 'running' },
        { id: 'id of c', name: 'billing.send.c', step: 'c', state: 'retrying' },
      ],
    },
  ]);
  expect(summary).toBe('billing.send is waiting: the step waits for a (running) and c (retrying).');
  expect(next_steps).toEqual([]);
});

test('a step that waits for what failed, however far before it, goes on when that is retried or resolved', () => {
  const direct = explained(waits(['a'], member('a', 'failed')));
  expect(direct.reasons[0]?.message).toBe(
    'The step waits for a (failed); it cannot continue until a is retried or resolved',
  );
  const { reasons, next_steps } = explained(
    waits(
      ['c', 'd'],
      member('a', 'failed'),
      member('b', 'cancelled'),
      member('other', 'failed'),
      member('c', 'waiting', { after: ['a', 'b', 'd'] }),
      member('d', 'running', { after: [] }),
    ),
  );
  expect(reasons[0]).toMatchObject({
    message:
      'The step waits for c (waiting) and d (running); it cannot continue until a and b are retried or resolved',
    tasks: [{ step: 'c' }, { step: 'd' }, { id: 'id of a' }, { id: 'id of b' }],
  });
  expect(next_steps).toEqual([
    'PATCH /v1/tasks/id of a/retry runs a again; PATCH /v1/tasks/P/workflow_steps/id of a resolves it by hand with a result',
    'PATCH /v1/tasks/id of b/retry runs b again; PATCH /v1/tasks/P/workflow_steps/id of b resolves it by hand with a result',
  ]);
  const alone = explained({ ...waits(['a'], member('a', 'failed')), parent: null });
  expect(alone.next_steps).toEqual(['PATCH /v1/tasks/id of a/retry runs a again']);
});

test('steps that are not kept are passed over', () => {
  const { reasons } = explained(waits(['gone', 'a'], member('a', 'waiting', { after: ['gone'] })));
  expect(reasons[0]?.message).toBe('The step waits for a (waiting)');
});

test('the step for failures waits for one', () => {
  const given = (...members: Member[]): Given => {
    const waiting = waits([], ...members);
    return { ...waiting, task: { ...waiting.task, step: 'on_failure' } };
  };
  expect(explained(given(member('a', 'running'))).reasons).toEqual([
    {
      code: 'waiting_for_failure',
      message: 'This step runs only if another step has failed and no other step can continue',
    },
  ]);
  expect(explained(given(member('a', 'failed'), member('b', 'running'))).reasons).toMatchObject([
    {
      message:
        'This step runs only if another step has failed and no other step can continue; so far a (failed)',
      tasks: [{ step: 'a' }],
    },
  ]);
});

test('a pause and missing runners are told beside what a step waits for', () => {
  const { reasons } = explained({
    ...waits(['a'], member('a', 'running')),
    pauses: [{ target: 'billing.send', paused_at: '2026-03-01T11:00:00.000Z', actor: 'a', reason: null }],
    runners: { live: 0, able: 0, slots: 0, busy: 0, elsewhere: 0 },
  });
  expect(reasons.map(({ code }) => code)).toEqual(['paused', 'waiting_for_steps', 'no_live_runner']);
});
