import { z } from 'zod';
import { chooseDedup, type Dedup } from '../core/dedup.ts';
import { type Detail, ErrandError, PermanentError } from '../core/errors.ts';
import { stepRows } from '../core/graph.ts';
import { type Lossless, losslessJson } from '../core/lossless.ts';
import { parsePayload } from '../core/payload.ts';
import { DEDUP_STRATEGIES, DELAY_LIMIT_SECONDS, MAX_ATTEMPTS_LIMIT, PRIORITY_LIMIT } from '../core/policy.ts';
import type { Parsed } from '../core/schema.ts';
import type { FollowUpOptions, TaskDefinition } from '../core/task.ts';
import { judgeOf } from '../core/verdict/judge.ts';
import type { DueAttempt } from '../store/begin.ts';
import type { Submission } from '../store/submit.ts';

const label = (maxLength: number) => z.string().min(1).max(maxLength);

/** The bounds that a submission over HTTP has: what is beyond them could not be recorded. */
const optionsSchema = z.strictObject({
  priority: z.int().min(-PRIORITY_LIMIT).max(PRIORITY_LIMIT).optional(),
  delayMs: z
    .number()
    .min(0)
    .max(DELAY_LIMIT_SECONDS * 1_000)
    .optional(),
  dedup: z.enum(DEDUP_STRATEGIES).optional(),
  dedupKey: label(512).optional(),
  maxAttempts: z.int().min(1).max(MAX_ATTEMPTS_LIMIT).optional(),
  tags: z.array(label(100)).max(20).optional(),
  reason: label(1_000).optional(),
});

const judgeOptions = judgeOf(optionsSchema, { isJson: true });

/** How a submission differs from what its definition says. */
type Differing = { options: z.output<typeof optionsSchema>; dedup: Dedup };

/**
 * The submission of a task that another one asks for: in the same trace, for the same initiator. `index` is its place
 * among those of the attempt, from 0. Throws PermanentError, which names it, when the payload does not fit, or JSON would
 * lose something of it, or when the options are not acceptable.
 */
export async function toFollowUp(
  definition: TaskDefinition,
  payload: unknown,
  from: DueAttempt,
  index: number,
  options: FollowUpOptions = {},
): Promise<Submission> {
  const path = `/follow_ups/${index}`;
  const sent = await fittingPayload(definition, payload, `${path}/payload`);
  const differing = await fittingOptions(definition, options, path);
  if (sent.ok && differing.ok) return submissionOf(definition, sent.value, from, differing.value);
  const details = [sent, differing].flatMap((one) => (one.ok ? [] : one.details));
  throw unfit(`Follow-up ${index} does not fit ${definition.name} ${definition.version}`, details);
}

/** The payload of another task as JSON, which is how it will arrive, or what is wrong with it. */
export async function fittingPayload(
  definition: TaskDefinition,
  payload: unknown,
  path: string,
): Promise<Lossless> {
  const sent = losslessJson(payload, path);
  if (!sent.ok) return sent;
  const parsed = await parsePayload(definition, sent.value, path);
  return parsed.ok ? sent : parsed;
}

/** The submission of a child of the task that asks for it. It is that of this parent, whatever else is alike. */
export function childOf(definition: TaskDefinition, payload: unknown, from: DueAttempt): Submission {
  const dedup: Dedup = { dedup: null, key: null };
  return { ...submissionOf(definition, payload, from, { options: {}, dedup }), parentId: from.id };
}

/** What a handler is told whose tasks do not fit. Trying again would not help. */
export function unfit(message: string, details: readonly Detail[]): PermanentError {
  return new PermanentError(message, { code: 'VALIDATION_FAILED', metadata: { details } });
}

async function fittingOptions(
  definition: TaskDefinition,
  given: FollowUpOptions,
  path: string,
): Promise<Parsed<Differing>> {
  const held = losslessJson(given, path);
  const parsed = held.ok ? await judgeOptions(held.value, path) : held;
  if (!parsed.ok) return parsed;
  const { dedup, dedupKey } = parsed.value;
  try {
    const chosen = chooseDedup(definition.policy, { dedup, dedupKey, idempotencyKey: undefined, path });
    return { ok: true, value: { options: parsed.value, dedup: chosen } };
  } catch (error) {
    if (error instanceof ErrandError) return { ok: false, details: error.details ?? [] };
    throw error;
  }
}

function submissionOf(
  definition: TaskDefinition,
  payload: unknown,
  from: DueAttempt,
  { options, dedup }: Differing,
): Submission {
  const { policy } = definition;
  const windowSeconds = policy.dedup.windowSeconds;
  return {
    name: definition.name,
    version: definition.version,
    payload,
    priority: options.priority ?? policy.priority,
    maxAttempts: options.maxAttempts ?? policy.maxAttempts,
    runAt: null,
    delayMs: options.delayMs ?? null,
    dedup,
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
