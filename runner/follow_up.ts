import { chooseDedup, type Dedup } from '../core/dedup.ts';
import { ErrandError, PermanentError } from '../core/errors.ts';
import { stepRows } from '../core/graph.ts';
import { storageProblems } from '../core/json.ts';
import { parsePayload } from '../core/payload.ts';
import type { FollowUpOptions, TaskDefinition } from '../core/task.ts';
import type { DueAttempt } from '../store/begin.ts';
import type { Submission } from '../store/submit.ts';

/**
 * The submission of a task that another one asks for: in the same trace, for the same initiator. Throws PermanentError
 * when the payload does not fit, or can't be stored, or when the key is missing that it is deduplicated by.
 */
export async function toFollowUp(
  definition: TaskDefinition,
  payload: unknown,
  from: DueAttempt,
  options: FollowUpOptions = {},
): Promise<Submission> {
  const sent = asJson(definition, payload);
  const problems = storageProblems(sent, '/payload');
  const parsed = problems.length > 0 ? null : await parsePayload(definition, sent, '/payload');
  if (parsed?.ok !== true) throw unfit(definition, parsed?.details ?? problems);
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
    dedup: dedupOf(definition, options),
    dedupWindowMs: windowSeconds === undefined ? null : windowSeconds * 1_000,
    tags: options.tags ?? [],
    initiator: from.initiator,
    sourceSystem: from.sourceSystem,
    reason: options.reason ?? null,
    requestId: from.requestId,
    traceparent: from.traceparent,
    callbackUrl: policy.callbackUrl,
    ...(definition.graph === undefined ? {} : { steps: stepRows(definition.graph) }),
  };
}

/** The payload after a journey as JSON, which is how it will arrive. */
function asJson(definition: TaskDefinition, payload: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(payload) ?? 'null');
  } catch (error) {
    throw unfit(definition, [{ path: '/payload', message: `is not JSON: ${String(error)}` }]);
  }
}

function dedupOf(definition: TaskDefinition, { dedup, dedupKey }: FollowUpOptions): Dedup {
  try {
    return chooseDedup(definition.policy, { dedup, dedupKey, idempotencyKey: undefined, path: '' });
  } catch (error) {
    throw error instanceof ErrandError ? unfit(definition, error.details) : error;
  }
}

function unfit({ name, version }: TaskDefinition, details: unknown): PermanentError {
  return new PermanentError(`A follow-up does not fit ${name} ${version}`, {
    code: 'VALIDATION_FAILED',
    metadata: { details },
  });
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
