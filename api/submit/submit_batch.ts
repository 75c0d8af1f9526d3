import type { Request } from 'express';
import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { type Detail, ErrandError, MAX_DETAILS } from '../../core/errors.ts';
import { detail, hasMoreParts } from '../../core/json/json.ts';
import { MAX_VALUES } from '../../core/json/json_text.ts';
import type { Submittable } from '../../core/registration/submittable.ts';
import type { JsonSchema } from '../../core/schema.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { traceSend } from '../../process/tracing.ts';
import type { Submission, Submitted, TaskReference } from '../../store/submit/submit.ts';
import { submitBatch, submitBatchAtomically } from '../../store/submit/submit_batch.ts';
import { sizeOf, takeTurns } from '../capacity/turns.ts';
import type { Operation, RequestContext } from '../context.ts';
import { anyFailure, jsonBody } from '../openapi/schemas/answers.ts';
import { type Paths, refTo } from '../openapi/schemas/document.ts';
import { inQuery, type Parameter } from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import {
  findTask,
  idempotencyKeyOf,
  idempotencyKeyParameter,
  submissionProblems,
  toSubmission,
  withLimitKeys,
} from './submission.ts';
import { pascalCase, pathsOfTask } from './submission_schema.ts';

/** The maximum number of items of a batch (specification S3). */
const MAX_BATCH_ITEMS = 10_000;

/** The body of a batch whose items have the given schema (specification S3). */
function batchSchema(item: JsonSchema): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['items'],
    properties: { items: { type: 'array', minItems: 1, maxItems: MAX_BATCH_ITEMS, items: item } },
  };
}

const atomicParameter: Parameter = inQuery(
  'atomic',
  { type: 'boolean', default: false },
  'If true, one invalid item refuses the entire batch',
);

/** The submission of many tasks of a definition in the OpenAPI document. */
export function submitBatchPaths({ name, namespace }: Pick<TaskDefinition, 'name' | 'namespace'>): Paths {
  const [, many] = pathsOfTask(name);
  return {
    [many]: {
      post: {
        tags: [namespace],
        operationId: `submit${pascalCase(name)}Batch`,
        summary: `Submit many tasks ${name}`,
        parameters: [idempotencyKeyParameter, atomicParameter],
        requestBody: jsonBody(batchSchema(ref(`${name}.submission`))),
        responses: { 200: refTo('responses', 'BatchAnswer'), ...anyFailure },
      },
    },
  };
}

/**
 * The maximum number of details in the answer to a batch. For later items it says only that they are invalid.
 */
const MAX_BATCH_DETAILS = 1_000;

const checkBatch = checker(batchSchema({}));
const bodySchema = z.object({ items: z.array(z.unknown()) });

type Checked = { submission: Submission } | { errors: Detail[] };
type BatchItem = { id?: string; state?: string; created: boolean; errors?: Detail[] };

/**
 * `POST /v1/tasks/{name}/batch` (specification S3): each item is validated separately, the valid ones are
 * submitted in one statement, and the answer lists the outcomes in order. With `?atomic=true`, one invalid
 * item refuses the entire batch. An Idempotency-Key covers each item by its position.
 */
export const submitTaskBatch: Operation = async (context, request, response) => {
  const definition = await findTask(context, String(request.params.name), '/path/name');
  context.admit(definition.namespace);
  const details = checkBatch(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { items } = bodySchema.parse(request.body);
  const atomic = String(request.query.atomic) === 'true';
  const checked = await checkItems(context, definition, { items, atomic }, request);
  const valid = checked.flatMap((item) => ('submission' in item ? [item.submission] : []));
  const submitted = await submit(context, valid, atomic);
  response.json(toAnswer(checked, submitted));
};

async function submit(
  context: RequestContext,
  submissions: Submission[],
  atomic: boolean,
): Promise<Submitted<TaskReference>[]> {
  const [first] = submissions;
  if (first === undefined) return [];
  const { name, traceparent } = first;
  const count = submissions.length;
  const submitted = await traceSend({ name, count, traceparent }, (own) => {
    const traced = submissions.map((one) => ({ ...one, traceparent: own }));
    return write(context, traced, atomic);
  });
  for (const { outcome } of submitted) context.submitted(name, outcome);
  return submitted;
}

async function write(
  context: RequestContext,
  submissions: Submission[],
  atomic: boolean,
): Promise<Submitted<TaskReference>[]> {
  if (!atomic) return submitBatch(context.writes, submissions);
  const submitted = await submitBatchAtomically(context.writes, submissions);
  if (submitted === null) {
    throw new ErrandError(
      'CONFLICT',
      'The batch is atomic, and its Idempotency-Key was already used with another payload: use a new key',
    );
  }
  return submitted;
}

/**
 * Checks all items, and lets other requests run in between. Throws VALIDATION_FAILED with the details of the
 * first invalid items if the batch is atomic and not all items are valid.
 */
async function checkItems(
  context: RequestContext,
  definition: Submittable,
  { items, atomic }: { items: unknown[]; atomic: boolean },
  request: Request,
): Promise<Checked[]> {
  const key = idempotencyKeyOf(request);
  const takeTurn = takeTurns(context.throwIfOver);
  const refused: Detail[] = [];
  const checked: Checked[] = [];
  for (const [index, item] of items.entries()) {
    const path = `/body/items/${index}`;
    const idempotencyKey = key === undefined ? undefined : `${key}/${index}`;
    const errors = isTooLarge(item, request)
      ? [tooManyValues(path)]
      : await submissionProblems(context, {
          definition,
          body: item,
          path,
          log: request.log,
          maxProblems: maxProblemsOf(refused),
        });
    const one =
      errors.length > 0
        ? { errors }
        : toChecked(context, definition, item, request, { path, idempotencyKey });
    checked.push(
      'errors' in one
        ? { errors: shownErrors(one.errors, path, refused) }
        : { submission: await withLimitKeys(definition, one.submission) },
    );
    // An atomic batch is refused anyway, so the remaining items need not be checked.
    if (atomic && refused.length >= MAX_DETAILS) break;
    await takeTurn();
  }
  if (!atomic || refused.length === 0) return checked;
  throw new ErrandError('VALIDATION_FAILED', 'The batch is atomic, and not all of its items are valid', {
    details: refused,
  });
}

/** Checked only if the body is large enough for such an item: each value takes at least two characters. */
function isTooLarge(item: unknown, request: Request): boolean {
  return sizeOf(request) > 2 * MAX_VALUES && hasMoreParts(item, MAX_VALUES);
}

function tooManyValues(path: string): Detail {
  return detail(path, `has more than ${MAX_VALUES} values (properties and items): send it in parts`);
}

/**
 * How many problems of the next item to look for. If no more can be shown, one is enough to see whether the
 * item is valid.
 */
function maxProblemsOf(shown: Detail[]): number {
  return shown.length < MAX_BATCH_DETAILS ? MAX_DETAILS : 1;
}

/**
 * The errors of an item that still fit into the answer. They are added to `already`, the errors that are
 * shown so far.
 */
function shownErrors(errors: Detail[], path: string, already: Detail[]): Detail[] {
  const some = errors.slice(0, MAX_BATCH_DETAILS - already.length);
  already.push(...some);
  if (some.length === errors.length) return some;
  return [
    ...some,
    detail(path, `is not valid: an answer shows only the first ${MAX_BATCH_DETAILS} details of a batch`),
  ];
}

function toChecked(...parameters: Parameters<typeof toSubmission>): Checked {
  try {
    return { submission: toSubmission(...parameters) };
  } catch (error) {
    if (!(error instanceof ErrandError)) throw error;
    return { errors: error.details ?? [{ path: parameters[4].path, message: error.message }] };
  }
}

function toAnswer(checked: Checked[], submitted: Submitted<TaskReference>[]): Record<string, unknown> {
  const results = submitted.values();
  const items = checked.map((item, index): BatchItem => {
    if ('errors' in item) return { created: false, errors: item.errors };
    const { outcome, task } = results.next().value ?? { outcome: 'conflict', task: null };
    if (task !== null) return { id: task.id, state: task.state, created: outcome === 'created' };
    const message =
      'the Idempotency-Key was already used with another payload at this position: use a new key';
    return { created: false, errors: [{ path: `/body/items/${index}`, message }] };
  });
  return {
    items,
    created: items.filter((item) => item.created).length,
    duplicates: items.filter((item) => !item.created && item.errors === undefined).length,
    invalid: items.filter((item) => item.errors !== undefined).length,
  };
}
