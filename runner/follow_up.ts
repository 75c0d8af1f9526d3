import { chooseDedup } from '../core/dedup.ts';
import { PermanentError } from '../core/errors.ts';
import { stepRows } from '../core/graph.ts';
import { storageProblems } from '../core/json.ts';
import { parsePayload } from '../core/payload.ts';
import type { FollowUpOptions, TaskDefinition } from '../core/task.ts';
import type { DueAttempt } from '../store/begin.ts';
import type { Submission } from '../store/submit.ts';

/**
 * The submission of a task that another one asks for: in the same trace, for the same initiator. Throws PermanentError
 * when the payload does not fit, or can't be stored.
 */
export async function toFollowUp(
  definition: TaskDefinition,
  payload: unknown,
  from: DueAttempt,
  options: FollowUpOptions = {},
): Promise<Submission> {
  const sent: unknown = JSON.parse(JSON.stringify(payload) ?? 'null');
  const problems = storageProblems(sent, '/payload');
  const parsed = problems.length > 0 ? null : await parsePayload(definition, sent, '/payload');
  if (parsed?.ok !== true) {
    throw new PermanentError(
      `The payload of a follow-up does not fit ${definition.name} ${definition.version}`,
      {
        code: 'VALIDATION_FAILED',
        metadata: { details: parsed?.details ?? problems },
      },
    );
  }
  const { policy } = definition;
  const windowSeconds = policy.dedup.windowSeconds;
  return {
    name: definition.name,
    version: definition.version,
    payload: sent,
    priority: options.priority ?? policy.priority,
    maxAttempts: options.maxAttempts ?? policy.maxAttempts,
    runAt: null,
    delayMs: options.delayMs ?? null,
    dedup: chooseDedup(policy, {
      dedup: options.dedup,
      dedupKey: options.dedupKey,
      idempotencyKey: undefined,
      path: '',
    }),
    dedupWindowMs: windowSeconds === undefined ? null : windowSeconds * 1_000,
    tags: options.tags ?? [],
    initiator: from.initiator,
    sourceSystem: from.sourceSystem,
    reason: options.reason ?? null,
    requestId: from.requestId,
    traceparent: from.traceparent,
    ...(definition.graph === undefined ? {} : { steps: stepRows(definition.graph) }),
  };
}

/** The same as a child of the task that asks for it. It is that of this parent, whatever else is alike. */
export async function toChild(
  definition: TaskDefinition,
  payload: unknown,
  from: DueAttempt,
): Promise<Submission> {
  const submission = await toFollowUp(definition, payload, from, { dedup: 'none' });
  return { ...submission, parentId: from.id };
}
