import type { Request } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { chooseDedup } from '../../core/definitions/dedup.ts';
import { type Detail, ErrandError, MAX_DETAILS } from '../../core/errors.ts';
import { detail, got, valueAt } from '../../core/json/json.ts';
import { optionProblems } from '../../core/registration/options.ts';
import {
  type Judged,
  type Submittable,
  submittable,
  takesVersion,
} from '../../core/registration/submittable.ts';
import type { TaskDefinition } from '../../core/task.ts';
import type { Act } from '../../store/operators/audit.ts';
import type { Submission } from '../../store/submit/submit.ts';
import { callbackProblems } from '../callback.ts';
import { sizeOf } from '../capacity/turns.ts';
import { type Api, isSeenBy, type RequestContext, requireName } from '../context.ts';
import { type Parameter, textUpTo } from '../openapi/schemas/parameters.ts';
import { closeNames } from '../registered/registered_tasks.ts';
import { requestId, toIsoTime, traceparent } from '../request.ts';
import { mayRead } from '../tasks/get_task.ts';
import { givenOptions, optionsSchema, submissionSchema } from './submission_schema.ts';

/**
 * The definition of a name that can be submitted: one of this process, or one that another process has
 * registered. `path` is the place of the name in the request. Throws FORBIDDEN if the caller may not act in
 * its namespace, otherwise NOT_FOUND with similar names (specification S8).
 */
export async function findTask(context: Finding, name: string, path: string): Promise<Submittable> {
  return findKnown(context, name) ?? (await findRegistered(context, name, path));
}

/** The parts of a request context that are needed to find a task. */
export type Finding = Pick<RequestContext, 'registry' | 'registered' | 'principal'>;

/** A definition of this process. Throws FORBIDDEN like `findTask`. */
export function findKnown(context: Omit<Finding, 'registered'>, name: string): Submittable | undefined {
  requireName(context, name);
  const definition = context.registry.get(name);
  return definition && submittable(definition);
}

async function findRegistered(context: Finding, name: string, path: string): Promise<Submittable> {
  const task = await context.registered.find(name);
  if (task !== undefined) return task;
  const close = await closeNames(context, name, isSeenBy(context));
  const hint =
    close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see GET /v1/handlers for all tasks';
  throw new ErrandError('NOT_FOUND', `There is no task ${JSON.stringify(name.slice(0, 256))}: ${hint}`, {
    ...(close.length > 0 ? { details: close.map((known) => ({ path, message: known })) } : {}),
  });
}

/** This header makes a submission safe to repeat. */
export const idempotencyKeyParameter: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'A repeated key gives the same task. With another payload the answer is 409',
  schema: textUpTo(255),
};

/** Clients encode other characters in headers differently: as UTF-8, as Latin-1, or not at all. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/**
 * The Idempotency-Key of a request. Throws VALIDATION_FAILED if it contains characters that clients encode
 * differently.
 */
export function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.get('idempotency-key');
  if (key === undefined || PRINTABLE_ASCII.test(key)) return key;
  const message =
    'contains characters other than ASCII, which clients encode differently: send it as dedup_key in the body';
  throw new ErrandError('VALIDATION_FAILED', 'The Idempotency-Key cannot be used', {
    details: [detail('/headers/idempotency-key', message)],
  });
}

const optionsChecker = checker(submissionSchema({}));

/**
 * A submission of a task. `path` is its JSON Pointer in the request. `payloadName` is the key of its payload
 * there.
 */
export type Asked = {
  definition: Submittable;
  body: unknown;
  path: string;
  payloadName?: string;
  log: Pick<Logger, 'warn'>;
  /** The maximum number of problems to look for. */
  maxProblems?: number;
};

/**
 * The problems of one submission, at most `maxProblems`: in its options, its callback, and its payload, which
 * its definition checks. If the code of the definition throws, the error is logged, and the caller gets only
 * the place.
 */
export async function submissionProblems(
  { callbacks }: Pick<Api, 'callbacks'>,
  { definition, body, path, payloadName = 'payload', log, maxProblems = MAX_DETAILS }: Asked,
): Promise<Detail[]> {
  const problems = optionsChecker(givenOptions(body), path, maxProblems);
  const told = new Set(problems.map((problem) => problem.path));
  const given = {
    expires_in_seconds: valueAt(body, '/expires_in_seconds'),
    concurrency_key: valueAt(body, '/concurrency_key'),
    timeout_seconds: valueAt(body, '/timeout_seconds'),
    claim_timeout_seconds: valueAt(body, '/claim_timeout_seconds'),
  };
  problems.push(...optionProblems(definition, given, path).filter((problem) => !told.has(problem.path)));
  // If the schema already refuses the callback URL, no more checks are made.
  if (!problems.some((problem) => problem.path === `${path}/callback_url`))
    problems.push(...callbackProblems(callbacks, definition, body, path));
  const payload = valueAt(body, '/payload');
  if (payload === undefined || problems.length >= maxProblems) return problems;
  // The payload may have an older version; the body says which.
  const asked = valueAt(body, '/version');
  const version = typeof asked === 'string' ? asked : definition.version;
  const key = given.concurrency_key;
  const task = { definition, version, payload, concurrencyKey: typeof key === 'string' ? key : null };
  const ofPayload = await payloadProblems(task, { path: `${path}/${payloadName}`, log, maxProblems });
  return [...problems, ...ofPayload].slice(0, maxProblems);
}

/**
 * The problems of a payload by its definition. `path` is its JSON Pointer in the request. If the code of the
 * definition throws, the error is logged.
 */
export async function payloadProblems(
  { definition, ...task }: { definition: Submittable } & Judged,
  { path, log, maxProblems }: { path: string; log: Pick<Logger, 'warn'>; maxProblems: number },
): Promise<Detail[]> {
  const parsed = await definition.judge(task, path, maxProblems);
  if (parsed.ok) return [];
  if ('thrown' in parsed)
    log.warn({ err: parsed.thrown, task_name: definition.name }, 'the code of a definition threw an error');
  return parsed.details;
}

const bodySchema = optionsSchema.extend({ payload: z.unknown().optional() });

/**
 * The row for the ledger, from a body without `submissionProblems`. The caller is its submitter. `path` is
 * the place of the body in the request, and `idempotencyKey` the key of the request. Throws VALIDATION_FAILED
 * or NOT_FOUND for problems that concern more than one field.
 */
export function toSubmission(
  context: Pick<RequestContext, 'principal' | 'openReads'>,
  definition: Submittable,
  body: unknown,
  request: Request,
  where: { path: string; idempotencyKey: string | undefined },
): Submission {
  const options = bodySchema.parse(givenOptions(body));
  const { policy } = definition;
  const version = options.version ?? definition.version;
  if (!takesVersion(definition, version)) throw noVersion(definition, version);
  if (options.run_at !== undefined && options.delay_seconds !== undefined) {
    throw new ErrandError('VALIDATION_FAILED', 'The task cannot be due at two times', {
      details: [
        {
          path: `${where.path}/delay_seconds`,
          message: `must not be combined with run_at${got(options.delay_seconds)}`,
        },
      ],
    });
  }
  const windowSeconds = options.dedup_window_seconds ?? policy.dedup.windowSeconds;
  const timeoutSeconds = options.timeout_seconds ?? options.claim_timeout_seconds;
  const expiresInSeconds = options.expires_in_seconds ?? policy.expiresInSeconds;
  return {
    name: definition.name,
    version,
    payload: options.payload,
    bytes: sizeOf(request),
    priority: options.priority ?? policy.priority,
    maxAttempts: options.max_attempts ?? policy.maxAttempts,
    runAt: options.run_at === undefined ? null : toIsoTime(options.run_at, `${where.path}/run_at`),
    delayMs: options.delay_seconds === undefined ? null : options.delay_seconds * 1_000,
    expiresInMs: expiresInSeconds === undefined ? null : expiresInSeconds * 1_000,
    concurrencyKey: options.concurrency_key ?? null,
    timeoutMs: timeoutSeconds === undefined ? null : timeoutSeconds * 1_000,
    dedup: chooseDedup(policy, {
      dedup: options.dedup,
      dedupKey: options.dedup_key,
      idempotencyKey: where.idempotencyKey,
      debounceSeconds: options.debounce_seconds,
      throttleSeconds: options.throttle_seconds,
      dedupWindowSeconds: options.dedup_window_seconds,
      due: { run_at: options.run_at, delay_seconds: options.delay_seconds },
      path: where.path,
    }),
    dedupWindowMs: windowSeconds === undefined ? null : windowSeconds * 1_000,
    tags: options.tags ?? [],
    initiator: options.initiator ?? null,
    sourceSystem: options.source_system ?? null,
    reason: options.reason ?? null,
    requestId: requestId(request),
    traceparent: traceparent(request),
    ...submitterOf(context),
    callbackUrl: options.callback_url ?? policy.callbackUrl,
    ...(definition.steps === null ? {} : { steps: definition.steps }),
  };
}

/** The submission with the keys of its limits, if its definition has a rule by key. */
export async function withLimitKeys(definition: Submittable, submission: Submission): Promise<Submission> {
  const keys = await definition.limitKeys?.(submission);
  return keys ? { ...submission, limitKeys: keys } : submission;
}

/** The submitter of a submission, with its rights. */
function submitterOf(
  caller: Pick<RequestContext, 'principal' | 'openReads'>,
): Pick<Submission, 'submittedBy' | 'mayRead' | 'mayOperate'> {
  const { actor, scopes } = caller.principal;
  return { submittedBy: actor, mayRead: mayRead(caller), mayOperate: scopes.has('operate') };
}

function noVersion({ name, version, olderVersions }: Submittable, asked: string): ErrandError {
  const others =
    olderVersions.length === 0 ? '' : `, and payloads of ${olderVersions.join(', ')} can be converted to it`;
  return new ErrandError('NOT_FOUND', `${name} has no version ${asked}: use ${version}${others}`);
}

/** The submission of a built-in task for an operator. It always creates a new task. */
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
    dedup: { dedup: null, key: null },
    initiator: actor,
    submittedBy: actor,
    reason,
    requestId: requestId(request),
    traceparent: traceparent(request),
  };
}
