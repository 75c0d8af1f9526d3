import type { Request } from 'express';
import { z } from 'zod';
import { chooseDedup, DEDUP_OPTIONS } from '../core/dedup.ts';
import { ErrandError } from '../core/errors.ts';
import { stepRows } from '../core/graph.ts';
import { got } from '../core/json.ts';
import { namespaceOf, type TaskDefinition } from '../core/task.ts';
import { takesVersion } from '../core/task_payload.ts';
import type { Submission } from '../store/submit.ts';
import { type Call, requireName } from './call.ts';
import { requestId, toIsoTime, traceparent } from './request.ts';
import { sizeOf } from './turns.ts';

/** The options of a submission; the OpenAPI schema holds the bounds, this gives the types. */
const optionsSchema = z.object({
  payload: z.unknown().optional(),
  version: z.string().optional(),
  priority: z.int().optional(),
  run_at: z.string().optional(),
  delay_seconds: z.number().optional(),
  dedup: z.enum(DEDUP_OPTIONS).optional(),
  dedup_key: z.string().optional(),
  dedup_window_seconds: z.number().optional(),
  tags: z.array(z.string()).optional(),
  initiator: z.string().optional(),
  source_system: z.string().optional(),
  reason: z.string().optional(),
  max_attempts: z.int().optional(),
  callback_url: z.string().optional(),
});

/**
 * The definition of a name, which is at `path` in the request. Throws FORBIDDEN when the caller may not act in its
 * namespace, else NOT_FOUND, with the names that look like it (specification S8).
 */
export function findDefinition(
  call: Pick<Call, 'registry' | 'principal'>,
  name: string,
  path: string,
): TaskDefinition {
  requireName(call, name);
  const definition = call.registry.get(name);
  if (definition !== undefined) return definition;
  const { namespaces } = call.principal;
  const close = call.registry
    .closeNames(name)
    .filter((known) => namespaces === null || namespaces.includes(namespaceOf(known)));
  const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see /docs for the tasks there are';
  throw new ErrandError('NOT_FOUND', `There is no task ${JSON.stringify(name.slice(0, 256))}: ${hint}`, {
    ...(close.length > 0 ? { details: close.map((known) => ({ path, message: known })) } : {}),
  });
}

/**
 * What the ledger is to hold for a submission whose body `submissionProblems` has found nothing wrong with.
 * `path` is where the body is in the request, `idempotencyKey` the key that came with it.
 * Throws VALIDATION_FAILED or NOT_FOUND for what concerns more than one field.
 */
export function toSubmission(
  definition: TaskDefinition,
  body: unknown,
  request: Request,
  where: { path: string; idempotencyKey: string | undefined },
): Submission {
  const options = optionsSchema.parse(body);
  const { policy } = definition;
  const version = options.version ?? definition.version;
  if (!takesVersion(definition, version)) throw noVersion(definition, version);
  if (options.run_at !== undefined && options.delay_seconds !== undefined) {
    throw new ErrandError('VALIDATION_FAILED', 'The task can not be due at two times', {
      details: [
        {
          path: `${where.path}/delay_seconds`,
          message: `must not be given together with run_at${got(options.delay_seconds)}`,
        },
      ],
    });
  }
  const windowSeconds = options.dedup_window_seconds ?? policy.dedup.windowSeconds;
  return {
    name: definition.name,
    version,
    payload: options.payload,
    bytes: sizeOf(request),
    priority: options.priority ?? policy.priority,
    maxAttempts: options.max_attempts ?? policy.maxAttempts,
    runAt: options.run_at === undefined ? null : toIsoTime(options.run_at, `${where.path}/run_at`),
    delayMs: options.delay_seconds === undefined ? null : options.delay_seconds * 1_000,
    dedup: chooseDedup(policy, {
      dedup: options.dedup,
      dedupKey: options.dedup_key,
      idempotencyKey: where.idempotencyKey,
      path: where.path,
    }),
    dedupWindowMs: windowSeconds === undefined ? null : windowSeconds * 1_000,
    tags: options.tags ?? [],
    initiator: options.initiator ?? null,
    sourceSystem: options.source_system ?? null,
    reason: options.reason ?? null,
    requestId: requestId(request),
    traceparent: traceparent(request),
    callbackUrl: options.callback_url ?? policy.callbackUrl,
    ...(definition.graph === undefined ? {} : { steps: stepRows(definition.graph) }),
  };
}

function noVersion({ name, version, upcasts }: TaskDefinition, asked: string): ErrandError {
  const older = [...upcasts.keys()];
  const others = older.length === 0 ? '' : `, and ${older.join(', ')} can be brought to it`;
  return new ErrandError('NOT_FOUND', `${name} has no version ${asked}: there is ${version}${others}`);
}
