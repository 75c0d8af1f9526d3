import type { DueAttempt } from '../../../../store/attempts/load.ts';
import type { Outcome } from '../../../../store/attempts/outcomes.ts';
import type { Submission } from '../../../../store/submit/submit.ts';
import { type Ending, MAX_ATTEMPTS, type ShapeStep } from './model.ts';

/** What a runner records of an attempt that ends so. */
export function outcomeOf(due: DueAttempt, ending: Ending, endsParent = false): Outcome {
  const { id, dispatchId, name, priority, attempt, parentId, hasChildren } = due;
  const of = { id, dispatchId, name, priority, attempt, parentId, hasChildren };
  const base = { ...of, durationMs: 1, lines: [], progress: null };
  const error = {
    error_type: 'Error',
    message: ending.kind,
    error_code: null,
    retryable: true,
    metadata: null,
    stack: null,
  };
  switch (ending.kind) {
    case 'succeeded':
      return {
        ...base,
        kind: 'succeeded',
        result: '{"ok":true}',
        ...(ending.skipped ? { skipped: true } : {}),
        ...(endsParent ? { endsParent: { name: 'model.w', result: '{"ok":true}' } } : {}),
      };
    case 'continued':
      return 'release' in ending
        ? { ...base, kind: 'continued', release: 'on_failure' }
        : {
            ...base,
            kind: 'continued',
            children: ending.children.map((steps) => ({ ...submission('model.child', steps), parentId: id })),
          };
    case 'failed':
    case 'timed_out':
      return { ...base, kind: ending.kind, error, retryInMs: ending.retry ? 100 : null };
    default:
      return { ...base, kind: ending.kind, error };
  }
}

/** A workflow of these steps, or a task when there are none. */
export function submission(name: string, steps: readonly ShapeStep[]): Submission {
  const rows = steps.map(({ step, after, maxAttempts }) => {
    const shown = { conditional: true, kind: 'handler' as const, child: null };
    return { step, name: `${name}.${step}`, after, priority: null, max_attempts: maxAttempts, ...shown };
  });
  return {
    ...{
      name,
      version: '1.0.0',
      payload: {},
      priority: 0,
      maxAttempts: MAX_ATTEMPTS,
      runAt: null,
      delayMs: null,
    },
    ...{
      dedup: { dedup: null, key: null },
      dedupWindowMs: null,
      tags: [],
      initiator: null,
      sourceSystem: null,
    },
    ...{ reason: null, requestId: null, traceparent: null },
    ...(rows.length > 0 ? { steps: rows } : {}),
  };
}
