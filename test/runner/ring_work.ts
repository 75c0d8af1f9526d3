import { createPace } from '../../runner/pace.ts';
import { type RingWork, workRing } from '../../runner/ring.ts';
import { createSlots } from '../../runner/slots.ts';
import type { DueAttempt } from '../../store/begin.ts';
import type { Outcome } from '../../store/outcomes.ts';

/** A first attempt that is due, of the ring `ring`. */
export function due(id: string): DueAttempt {
  return {
    id,
    ring: 'ring',
    name: 't.x',
    version: '1',
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

/**
 * Works through the ring `ring`, which announces these attempts to runners of the version that it needs, as is given; else nothing is paused, what goes back is
 * forgotten, and nothing has an outcome.
 */
export function workThrough(
  attempts: DueAttempt[],
  given: Pick<RingWork, 'run' | 'slots'> & Partial<RingWork>,
  needs: string | null = null,
): Promise<void> {
  const ring = { key: 'ring', taskIds: attempts.map(({ id }) => id), needs };
  return workRing(ring, {
    begin: async () => attempts,
    openRecord: () => ({ add: () => Promise.reject(new Error('there is none')), written: async () => {} }),
    isTooNew: () => false,
    giveBack: async () => {},
    suspects: createSlots(1),
    pace: createPace(),
    isPaused: () => false,
    heedPauses: async () => {},
    stopping: new AbortController().signal,
    ...given,
  });
}
