import type { DueAttempt } from '../../store/begin.ts';

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
