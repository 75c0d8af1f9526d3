import { createPace } from '../../../runner/execute/pace.ts';
import { createSlots } from '../../../runner/execute/slots.ts';
import { createBacklog } from '../../../runner/fetch/backlog.ts';
import { type DispatchWork, workDispatch } from '../../../runner/fetch/dispatch.ts';
import { createShare } from '../../../runner/fetch/share.ts';
import type { DueAttempt } from '../../../store/attempts/load.ts';
import type { Outcome } from '../../../store/attempts/outcomes.ts';

/** A first attempt that is due, of the dispatch `dispatch`. */
export function due(id: string): DueAttempt {
  return {
    id,
    dispatchId: 'dispatch',
    name: 't.x',
    version: '1',
    attempt: 1,
    maxAttempts: 1,
    priority: 0,
    waitedMs: 0,
    crashes: 0,
    isSuspect: false,
    expires: false,
    scheduledFor: null,
    payload: {},
    requestId: null,
    traceparent: null,
    initiator: null,
    sourceSystem: null,
    parentId: null,
    hasChildren: false,
    results: {},
    paused: false,
  };
}

/** The success of such an attempt. */
export function succeeded(id: string, result: string | null = null): Outcome {
  return {
    ...{ id, dispatchId: 'dispatch', name: 't.x', priority: 0, attempt: 1, durationMs: 1 },
    ...{ parentId: null, hasChildren: false, lines: [], progress: null },
    ...{ kind: 'succeeded', result },
  };
}

/**
 * Works through the dispatch `dispatch`, which announces these attempts to runners of the version that it needs, as is given; else nothing is paused, what goes back is
 * forgotten, and nothing has an outcome.
 */
export function workThrough(
  attempts: DueAttempt[],
  given: Pick<DispatchWork, 'run' | 'slots'> & Partial<DispatchWork>,
  needs: string | null = null,
): Promise<void> {
  const dispatch = { key: 'dispatch', taskIds: attempts.map(({ id }) => id), needs };
  return workDispatch(dispatch, {
    load: async () => attempts,
    openRecord: () => ({ add: () => Promise.reject(new Error('there is none')), written: async () => {} }),
    isTooNew: () => false,
    requeue: async () => {},
    runAlone: () => Promise.reject(new Error('none is to run alone')),
    alone: createSlots(1),
    limits: {
      isLimited: () => false,
      handedOff: [],
      isRated: () => false,
      admit: () => Promise.reject(new Error('none has limits')),
      freeUnused: () => {},
      backlog: createBacklog(),
    },
    batches: {
      isBatched: () => false,
      isOpen: () => false,
      groupOf: () => Promise.reject(new Error('none has a batch handler')),
    },
    share: createShare(new Map(), createPace()),
    pace: createPace(),
    isPaused: () => false,
    refreshPauses: async () => {},
    stopping: new AbortController().signal,
    ...given,
  });
}
