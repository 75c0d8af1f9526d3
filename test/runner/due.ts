import type { RingRecord } from '../../runner/recorder.ts';
import type { DueAttempt } from '../../store/begin.ts';
import type { Outcome } from '../../store/outcomes.ts';

/** A first attempt that is due, of the ring `ring`. */
export function due(id: string): DueAttempt {
  return {
    id,
    ring: 'ring',
    name: 't.x',
    attempt: 1,
    maxAttempts: 1,
    priority: 0,
    waitedMs: 0,
    crashes: 0,
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
    ...{ id, ranFor: 'ring', name: 't.x', priority: 0, attempt: 1, durationMs: 1 },
    ...{ parentId: null, hasChildren: false, lines: [], progress: null },
    ...{ kind: 'succeeded', result },
  };
}

/** For attempts without an outcome. */
export function noRecord(): RingRecord {
  return { add: () => Promise.reject(new Error('there is none')), written: async () => {} };
}
