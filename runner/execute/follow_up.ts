import { z } from 'zod';
import { chooseDedup, type Dedup } from '../../core/definitions/dedup.ts';
import {
  DEDUP_STRATEGIES,
  DELAY_LIMIT_SECONDS,
  MAX_ATTEMPTS_LIMIT,
  PRIORITY_LIMIT,
  TIMEOUT_LIMIT_MS,
} from '../../core/definitions/policy.ts';
import { type Detail, ErrandError, PermanentError } from '../../core/errors.ts';
import { detail } from '../../core/json/json.ts';
import { MAX_JSON_BYTES, MAX_NAMES, MAX_OBJECTS, MAX_VALUES, surveyJson } from '../../core/json/json_text.ts';
import { type Lossless, losslessJson } from '../../core/json/lossless.ts';
import { KEY_MAX_LENGTH, withKeys } from '../../core/limits/key.ts';
import { parsePayload } from '../../core/payload.ts';
import { optionProblems } from '../../core/registration/options.ts';
import { submittable } from '../../core/registration/submittable.ts';
import type { Parsed } from '../../core/schema.ts';
import type { FollowUpOptions, TaskDefinition } from '../../core/task.ts';
import { judgeOf } from '../../core/verdict/judge.ts';
import { stepRows } from '../../core/workflows/graph.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import type { Submission } from '../../store/submit/submit.ts';

const label = (maxLength: number) => z.string().min(1).max(maxLength);

/** The bounds of a submission over HTTP: options beyond them could not be recorded. */
const optionsSchema = z.strictObject({
  priority: z.int().min(-PRIORITY_LIMIT).max(PRIORITY_LIMIT).optional(),
  delayMs: z
    .number()
    .min(0)
    .max(DELAY_LIMIT_SECONDS * 1_000)
    .optional(),
  expiresInMs: z
    .number()
    .min(1)
    .max(DELAY_LIMIT_SECONDS * 1_000)
    .optional(),
  concurrencyKey: label(KEY_MAX_LENGTH).optional(),
  timeoutMs: z.int().min(1).max(TIMEOUT_LIMIT_MS).optional(),
  dedup: z.enum(DEDUP_STRATEGIES).optional(),
  dedupKey: label(512).optional(),
  debounceSeconds: z.int().min(1).max(DELAY_LIMIT_SECONDS).optional(),
  throttleSeconds: z.int().min(1).max(DELAY_LIMIT_SECONDS).optional(),
  maxAttempts: z.int().min(1).max(MAX_ATTEMPTS_LIMIT).optional(),
  tags: z.array(label(100)).max(20).optional(),
  reason: label(1_000).optional(),
});

const judgeOptions = judgeOf(optionsSchema, { isJson: true });

/** The options of a submission that differ from its definition. */
type Differing = { options: z.output<typeof optionsSchema>; dedup: Dedup };

/**
 * Makes the submission of a task that another task asks for, with the same trace and initiator.
 * `index` is its place among the submissions of the attempt, from 0. Throws PermanentError, which
 * names the index, if the payload does not fit, if JSON would lose a part of it, or if an option is
 * invalid.
 */
export async function toFollowUp(
  definition: TaskDefinition,
  payload: unknown,
  from: DueAttempt,
  index: number,
  options: FollowUpOptions = {},
): Promise<Submission> {
  const path = `/follow_ups/${index}`;
  const sent = await fittingPayload(definition, payload, `${path}/payload`, options.concurrencyKey);
  const differing = await fittingOptions(definition, options, path);
  if (sent.ok && differing.ok) return submissionOf(definition, sent.value, from, differing.value);
  const details = [sent, differing].flatMap((one) => (one.ok ? [] : one.details));
  throw unfit(`Follow-up ${index} does not fit ${definition.name} ${definition.version}`, details);
}

/** The payload of another task as JSON, as it will arrive, or its problems. */
export async function fittingPayload(
  definition: TaskDefinition,
  payload: unknown,
  path: string,
  concurrencyKey?: string,
): Promise<Lossless> {
  const sent = losslessJson(payload, path);
  if (!sent.ok) return sent;
  const size = sizeProblem(JSON.stringify(sent.value), path);
  if (size !== null) return { ok: false, details: [size] };
  const parsed = withKeys(
    await parsePayload(definition, sent.value, path),
    definition.policy,
    path,
    concurrencyKey,
  );
  return parsed.ok ? sent : parsed;
}

/**
 * The submission of a child of the task that asks for it. It is never deduplicated: every parent
 * has its own children.
 */
export function childOf(definition: TaskDefinition, payload: unknown, from: DueAttempt): Submission {
  const dedup: Dedup = { dedup: null, key: null };
  return { ...submissionOf(definition, payload, from, { options: {}, dedup }), parentId: from.id };
}

/** The error for a handler whose tasks do not fit. Another attempt would not help. */
export function unfit(message: string, details: readonly Detail[]): PermanentError {
  return new PermanentError(message, { code: 'VALIDATION_FAILED', metadata: { details } });
}

/**
 * Gives the submissions of one attempt. Throws PermanentError if they are too large to be written
 * together.
 */
export function requireTogether(submissions: Submission[]): Submission[] {
  if (!areTooLarge(submissions.map(({ payload }) => payload))) return submissions;
  const message = `The payloads of the ${submissions.length} tasks that this attempt submits have more than ${MAX_ALL_BYTES} bytes of JSON together: store them elsewhere and give where`;
  throw unfit(message, []);
}

async function fittingOptions(
  definition: TaskDefinition,
  given: FollowUpOptions,
  path: string,
): Promise<Parsed<Differing>> {
  const held = losslessJson(given, path);
  const parsed = held.ok ? await judgeOptions(held.value, path) : held;
  if (!parsed.ok) return parsed;
  const { dedup, dedupKey, debounceSeconds, throttleSeconds, delayMs } = parsed.value;
  const problems = optionProblems(
    submittable(definition),
    {
      expires_in_seconds: parsed.value.expiresInMs,
      concurrency_key: parsed.value.concurrencyKey,
      timeout_seconds: parsed.value.timeoutMs,
    },
    path,
  );
  if (problems.length > 0) return { ok: false, details: problems.map(inCode) };
  try {
    const chosen = chooseDedup(definition.policy, {
      ...{ dedup, dedupKey, debounceSeconds, throttleSeconds, path },
      due: { delay_ms: delayMs },
    });
    return { ok: true, value: { options: parsed.value, dedup: chosen } };
  } catch (error) {
    if (error instanceof ErrandError) return { ok: false, details: error.details ?? [] };
    throw error;
  }
}

/** The same problem with the name of the option in code. */
function inCode({ path, message }: Detail): Detail {
  const inCodeByWire = {
    expires_in_seconds: 'expiresInMs',
    concurrency_key: 'concurrencyKey',
    timeout_seconds: 'timeoutMs',
  };
  for (const [wire, name] of Object.entries(inCodeByWire))
    if (path.endsWith(`/${wire}`)) return { path: `${path.slice(0, -wire.length)}${name}`, message };
  return { path, message };
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
    delayMs: options.delayMs ?? null,
    expiresInMs:
      options.expiresInMs ?? (policy.expiresInSeconds === undefined ? null : policy.expiresInSeconds * 1_000),
    concurrencyKey: options.concurrencyKey ?? null,
    timeoutMs: options.timeoutMs ?? null,
    dedup,
    dedupWindowMs: windowSeconds === undefined ? null : windowSeconds * 1_000,
    tags: options.tags ?? [],
    initiator: from.initiator,
    sourceSystem: from.sourceSystem,
    reason: options.reason ?? null,
    requestId: from.requestId,
    traceparent: from.traceparent,
    submittedBy: `task:${from.id}`,
    callbackUrl: policy.callbackUrl,
    ...(definition.graph === undefined ? {} : { steps: stepRows(definition.graph) }),
  };
}

/**
 * For all payloads that one attempt submits: they are written in one statement with its outcome.
 */
const MAX_ALL_BYTES = 64 * 1024 * 1024;
/** A JSON text this short cannot exceed any of the other limits. */
const SMALL_LENGTH = 100_000;

const KEEP_ELSEWHERE = 'store it elsewhere and give where';

/**
 * The problem with the size of a payload, by the limits that hold over HTTP, or null. `text` is its
 * JSON.
 */
function sizeProblem(text: string, path: string): Detail | null {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_JSON_BYTES) {
    return detail(path, `has ${bytes} bytes of JSON, more than ${MAX_JSON_BYTES}: ${KEEP_ELSEWHERE}`);
  }
  if (text.length <= SMALL_LENGTH) return null;
  const { objects, values, names } = surveyJson(text);
  if (objects > MAX_OBJECTS) return tooMany(path, `${MAX_OBJECTS} objects and lists`);
  if (values > MAX_VALUES) return tooMany(path, `${MAX_VALUES} values (properties and items)`);
  return names > MAX_NAMES ? tooMany(path, `${MAX_NAMES} different names of properties`) : null;
}

function tooMany(path: string, what: string): Detail {
  return detail(path, `has more than ${what}: ${KEEP_ELSEWHERE}`);
}

/** Whether the payloads have more than MAX_ALL_BYTES together. */
function areTooLarge(payloads: readonly unknown[]): boolean {
  let bytes = 0;
  for (const payload of payloads) {
    bytes += Buffer.byteLength(JSON.stringify(payload));
    if (bytes > MAX_ALL_BYTES) return true;
  }
  return false;
}
