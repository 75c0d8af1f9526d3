import type { Request } from 'express';
import { z } from 'zod';
import { checker } from '../../core/check.ts';
import { type Detail, ErrandError, MAX_DETAILS } from '../../core/errors.ts';
import { detail, hasMoreParts } from '../../core/json.ts';
import { MAX_VALUES } from '../../core/json_text.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { traceSend } from '../../process/tracing.ts';
import type { Submission, Submitted, TaskReference } from '../../store/submit.ts';
import { submitBatch, submitBatchAtomically } from '../../store/submit_batch.ts';
import type { Call, Operation } from '../call.ts';
import { batchSchema } from '../openapi/submission.ts';
import { findDefinition, toSubmission } from '../submission.ts';
import { sizeOf, takeTurns } from '../turns.ts';
import { submissionProblems } from '../validate.ts';

/** Details in the answer to a batch. Of the items after these it says just that they are not valid. */
const MAX_BATCH_DETAILS = 1_000;

const checkBatch = checker(batchSchema({}));
const bodySchema = z.object({ items: z.array(z.unknown()) });

type Checked = { submission: Submission } | { errors: Detail[] };
type BatchItem = { id?: string; state?: string; created: boolean; errors?: Detail[] };

/**
 * `POST /v1/tasks/{name}/batch` (specification S3): every item is validated on its own, the valid ones are
 * submitted in one statement, and the answer tells in order what became of each. With `?atomic=true` one
 * invalid item refuses all. An Idempotency-Key covers each item by its position.
 */
export const submitTaskBatch: Operation = async (call, request, response) => {
  const definition = findDefinition(call, String(request.params.name), '/path/name');
  call.admit(definition.namespace);
  const details = checkBatch(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { items } = bodySchema.parse(request.body);
  const atomic = String(request.query.atomic) === 'true';
  const checked = await checkItems(call, definition, { items, atomic }, request);
  const valid = checked.flatMap((item) => ('submission' in item ? [item.submission] : []));
  const submitted = await submit(call, valid, atomic);
  response.json(toAnswer(checked, submitted));
};

async function submit(
  call: Call,
  submissions: Submission[],
  atomic: boolean,
): Promise<Submitted<TaskReference>[]> {
  const [first] = submissions;
  if (first === undefined) return [];
  const { name, traceparent } = first;
  const count = submissions.length;
  const submitted = await traceSend({ name, count, traceparent }, (own) => {
    const traced = submissions.map((one) => ({ ...one, traceparent: own }));
    return write(call, traced, atomic);
  });
  for (const { outcome } of submitted) call.submitted(name, outcome);
  return submitted;
}

async function write(
  call: Call,
  submissions: Submission[],
  atomic: boolean,
): Promise<Submitted<TaskReference>[]> {
  if (!atomic) return submitBatch(call.writes, submissions);
  const submitted = await submitBatchAtomically(call.writes, submissions);
  if (submitted === null) {
    throw new ErrandError(
      'CONFLICT',
      'The batch is atomic, and its Idempotency-Key was already used with another payload',
    );
  }
  return submitted;
}

/**
 * Checks each item, a turn of the event loop for some of them. Throws VALIDATION_FAILED when the batch is atomic and not all
 * of it is valid, with the details of the first items that are not.
 */
async function checkItems(
  call: Call,
  definition: TaskDefinition,
  { items, atomic }: { items: unknown[]; atomic: boolean },
  request: Request,
): Promise<Checked[]> {
  const key = request.get('idempotency-key');
  const whenLong = takeTurns(call.throwIfOver);
  const refused: Detail[] = [];
  const checked: Checked[] = [];
  for (const [index, item] of items.entries()) {
    const path = `/body/items/${index}`;
    const idempotencyKey = key === undefined ? undefined : `${key}/${index}`;
    const errors = isTooLarge(item, request)
      ? [tooManyValues(path)]
      : await submissionProblems(call, { definition, body: item, path, log: request.log });
    const one =
      errors.length > 0 ? { errors } : toChecked(definition, item, request, { path, idempotencyKey });
    checked.push('errors' in one ? { errors: told(one.errors, path, refused) } : one);
    // Nothing of it is kept, so the rest of the items need not be looked at.
    if (atomic && refused.length >= MAX_DETAILS) break;
    await whenLong();
  }
  if (!atomic || refused.length === 0) return checked;
  throw new ErrandError('VALIDATION_FAILED', 'The batch is atomic and not all of it is valid', {
    details: refused,
  });
}

/** Looked at only in a body that is large enough to have such an item: a value takes two characters at least. */
function isTooLarge(item: unknown, request: Request): boolean {
  return sizeOf(request) > 2 * MAX_VALUES && hasMoreParts(item, MAX_VALUES);
}

function tooManyValues(path: string): Detail {
  return detail(path, `has more than ${MAX_VALUES} values (properties and items): send it in parts`);
}

/** As many of the errors of an item as the answer has room for, beside those that are told already; they are added to these. */
function told(errors: Detail[], path: string, already: Detail[]): Detail[] {
  const some = errors.slice(0, MAX_BATCH_DETAILS - already.length);
  already.push(...some);
  if (some.length === errors.length) return some;
  return [
    ...some,
    detail(path, `is not valid: an answer tells the first ${MAX_BATCH_DETAILS} details of a batch`),
  ];
}

function toChecked(...parameters: Parameters<typeof toSubmission>): Checked {
  try {
    return { submission: toSubmission(...parameters) };
  } catch (error) {
    if (!(error instanceof ErrandError)) throw error;
    return { errors: error.details ?? [{ path: parameters[3].path, message: error.message }] };
  }
}

function toAnswer(checked: Checked[], submitted: Submitted<TaskReference>[]): Record<string, unknown> {
  const results = submitted.values();
  const items = checked.map((item, index): BatchItem => {
    if ('errors' in item) return { created: false, errors: item.errors };
    const { outcome, task } = results.next().value ?? { outcome: 'conflict', task: null };
    if (task !== null) return { id: task.id, state: task.state, created: outcome === 'created' };
    const message = 'the Idempotency-Key was already used with another payload at this position';
    return { created: false, errors: [{ path: `/body/items/${index}`, message }] };
  });
  return {
    items,
    created: items.filter((item) => item.created).length,
    duplicates: items.filter((item) => !item.created && item.errors === undefined).length,
    invalid: items.filter((item) => item.errors !== undefined).length,
  };
}
