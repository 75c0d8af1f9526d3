import type { Request } from 'express';
import type { TaskDefinition } from '../core/task.ts';
import type { Act } from '../store/audit.ts';
import type { Submission } from '../store/submit.ts';
import { requestId, traceparent } from './request.ts';

/** The submission of one of Errand's own tasks, which an operator has asked for: each time a new one. */
export function ownSubmission(
  { name, version, policy }: TaskDefinition,
  payload: unknown,
  { actor, reason }: Pick<Act, 'actor' | 'reason'>,
  request: Request,
): Submission {
  return {
    name,
    version,
    payload,
    priority: policy.priority,
    maxAttempts: policy.maxAttempts,
    runAt: null,
    delayMs: null,
    dedup: { dedup: null, key: null },
    dedupWindowMs: null,
    tags: [],
    initiator: actor,
    sourceSystem: null,
    reason,
    requestId: requestId(request),
    traceparent: traceparent(request),
  };
}
