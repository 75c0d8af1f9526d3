import { expect, test } from 'vitest';
import type { ErrorRecord } from '../../../../core/errors.ts';
import type { Outcome } from '../../../../store/attempts/outcomes.ts';
import { isPlainSuccess } from '../../../../store/attempts/successes.ts';
import type { Submission } from '../../../../store/submit/submit.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const error: ErrorRecord = {
  ...{ error_type: 'Error', message: 'no luck', error_code: null },
  ...{ retryable: true, metadata: null, stack: null },
};
const attempt = { id: NOBODY, dispatchId: NOBODY, name: 't.x', priority: 0, attempt: 1, durationMs: 1 };
const plain: Outcome = {
  ...attempt,
  ...{ parentId: null, hasChildren: false, lines: [], progress: null },
  ...{ kind: 'succeeded', result: '{"ok":true}' },
};
const followUp = { name: 't.y' } as Submission;

test('what is plain: a success and nothing else', () => {
  for (const outcome of [
    plain,
    { ...plain, result: null },
    { ...plain, followUps: [] },
    { ...plain, skipped: false },
    { ...plain, parentId: NOBODY },
  ]) {
    expect(isPlainSuccess(outcome)).toBe(true);
  }
});

test.each<[string, Outcome]>([
  ['has children', { ...plain, hasChildren: true }],
  ['was skipped', { ...plain, skipped: true }],
  [
    'logged',
    { ...plain, lines: [{ level: 'info', message: 'x', fields: null, at: '2026-01-01T00:00:00Z' }] },
  ],
  ['told how far it is', { ...plain, progress: { fraction: 0, note: null } }],
  ['wants more to be done', { ...plain, followUps: [followUp] }],
  ['goes on', { ...plain, kind: 'continued', children: [] }],
  ['releases a step', { ...plain, kind: 'continued', release: 'on_failure' }],
  ['failed', { ...plain, kind: 'failed', error, retryInMs: null }],
  ['was timed out', { ...plain, kind: 'timed_out', error, retryInMs: 1 }],
  ['was cancelled', { ...plain, kind: 'cancelled', error }],
  ['was interrupted', { ...plain, kind: 'interrupted', error }],
])('one that %s is not plain', (_what, outcome) => {
  expect(isPlainSuccess(outcome)).toBe(false);
});
