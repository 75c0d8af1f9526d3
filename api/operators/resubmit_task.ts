import type { Request } from 'express';
import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { type Detail, ErrandError, MAX_DETAILS } from '../../core/errors.ts';
import { detail, got, pointerPart, valueAt } from '../../core/json/json.ts';
import type { Submittable } from '../../core/registration/submittable.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { inWords, REARMABLE } from '../../core/states.ts';
import { readStoredPayload, resubmitTask as resubmit } from '../../store/operators/resubmit.ts';
import type { Submission } from '../../store/submit/submit.ts';
import { getTask, type Task } from '../../store/tasks/tasks.ts';
import { giveWay } from '../capacity/turns.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonBody, submitAnswers } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter } from '../openapi/schemas/parameters.ts';
import { answerSubmission } from '../submit/answer_submission.ts';
import {
  findTask,
  idempotencyKeyOf,
  idempotencyKeyParameter,
  submissionProblems,
  toSubmission,
} from '../submit/submission.ts';
import { taskNotFoundFor } from '../tasks/get_task.ts';
import { actOf } from './act.ts';
import { requiredReason } from './dismiss_task.ts';

const resubmitSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: {
    payload: {
      type: 'object',
      additionalProperties: true,
      description:
        'The payload of the new task, checked by its definition. Without it the stored payload is submitted again, with its secrets. Secrets that are shown as `***` must be replaced',
    },
    version: {
      type: 'string',
      minLength: 1,
      maxLength: 32,
      description:
        'The version of the payload. Without it: that of the definition for a given payload, and that of the task for the stored one',
    },
    reason: requiredReason,
  },
};

/** The operation in the OpenAPI document. */
export function resubmitTaskPaths(): Paths {
  return {
    '/v1/tasks/{id}/resubmit': {
      post: {
        tags: ['tasks'],
        operationId: 'resubmitTask',
        summary: 'Replace a failed, cancelled or expired task by a new one, with an edited payload',
        description:
          'The new task has the priority, tags, initiator, source system and callback of the old one. Both name each other (`resubmitted_as`, `resubmission_of`), and the failure of the old one is dismissed. The new task is never a duplicate of another one, except for a repeated Idempotency-Key. Needs the scopes `operate` and `submit`.',
        parameters: [idParameter, idempotencyKeyParameter],
        requestBody: jsonBody(resubmitSchema, { payload: { message: 'corrected' }, reason: 'Wrong amount' }),
        responses: { ...submitAnswers(), ...failures(400, 404, 409) },
      },
    },
  };
}

const check = checker(resubmitSchema);
const bodySchema = z.object({
  payload: z.unknown().optional(),
  version: z.string().optional(),
  reason: z.string(),
});

/** `POST /v1/tasks/{id}/resubmit` (specification R16): a new task in place of one that has failed. */
export const resubmitTask: Operation = async (context, request, response) => {
  requireSubmit(context);
  const details = check(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { reason, ...asked } = bodySchema.parse(request.body);
  const old = await requireOld(context, String(request.params.id));
  const definition = await findTask(context, old.name, '/path/id');
  context.admit(definition.namespace);
  const body =
    asked.payload === undefined
      ? {
          payload: await readStoredPayload(context.writes, old.id, context.visibility),
          version: asked.version ?? old.version,
        }
      : // A key without a value would be a wrong version.
        { payload: asked.payload, ...(asked.version === undefined ? {} : { version: asked.version }) };
  requireSecrets(old.name, asked.payload);
  const submission = await toResubmission(context, definition, { old, body, reason }, request);
  await giveWay(request);
  const resubmitted = await resubmit(context.writes, old.id, submission, actOf(context, request, reason));
  if (resubmitted.outcome === 'replaced') throw replacedBefore(resubmitted.by);
  if (resubmitted.outcome === 'unready')
    throw notReady((await getTask(context.writes, old.id, context.visibility)) ?? old);
  const { task, outcome } = resubmitted;
  context.submitted(submission.name, outcome);
  if (task === null) {
    const message = 'The Idempotency-Key was already used with another payload: use a new key';
    throw new ErrandError('CONFLICT', message);
  }
  const created = outcome === 'created';
  answerSubmission(context, request, response, {
    task,
    outcome,
    message: created
      ? `Task created in place of ${old.id}`
      : 'The task was resubmitted before by this request',
  });
};

/** The policy of the route asks for `operate`. A payload of the caller needs the right to submit, too. */
function requireSubmit({ principal }: RequestContext): void {
  if (principal.scopes.has('submit')) return;
  throw new ErrandError(
    'FORBIDDEN',
    'This operation needs the scope submit, too, which these credentials do not have',
    { headers: { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="operate submit"' } },
  );
}

async function requireOld(context: RequestContext, id: string): Promise<Task> {
  const old = await getTask(context.writes, id, context.visibility);
  if (old === null) throw taskNotFoundFor(context, id);
  if (!REARMABLE.some((state) => state === old.state)) throw notReady(old);
  if (old.parent_id !== null) {
    const message = `Task cannot be resubmitted: it is a part of ${old.parent_id}, which would not see the new task. Retry it, or give its result by PATCH /v1/tasks/${old.parent_id}/workflow_steps/${old.id}`;
    throw new ErrandError('BAD_REQUEST', message);
  }
  return old;
}

function notReady({ state }: Task): ErrandError {
  return new ErrandError(
    'BAD_REQUEST',
    `Task cannot be resubmitted: it ${inWords(state)}. Only a failed, cancelled or expired task can be resubmitted`,
  );
}

function replacedBefore(by: string): ErrandError {
  return new ErrandError(
    'CONFLICT',
    `The task was already resubmitted as ${by}: look at that task, or resubmit it if it has failed`,
  );
}

type Asked = { old: Task; body: { payload?: unknown; version?: string | undefined }; reason: string };

/** The submission of the new task. Throws VALIDATION_FAILED with all problems of its payload. */
async function toResubmission(
  context: RequestContext,
  definition: Submittable,
  { old, body, reason }: Asked,
  request: Request,
): Promise<Submission> {
  // Not the strategy of the definition: the stored payload would be a duplicate of the task that failed.
  const asked = { ...body, dedup: 'none' };
  const problems = await submissionProblems(context, {
    definition,
    body: asked,
    path: '/body',
    log: request.log,
  });
  if (problems.length > 0) throw notValid(old.name, problems);
  const key = idempotencyKeyOf(request);
  const made = toSubmission(context, definition, asked, request, {
    path: '/body',
    idempotencyKey: undefined,
  });
  return {
    ...made,
    dedup:
      key === undefined
        ? { dedup: null, key: null }
        : { dedup: 'idempotency_key', key: `resubmit:${old.id}:${key}` },
    dedupWindowMs: null,
    priority: old.priority,
    concurrencyKey: definition.hasKeys ? old.concurrency_key : null,
    timeoutMs: old.timeout_seconds === null ? null : Math.round(old.timeout_seconds * 1_000),
    tags: old.tags,
    initiator: old.initiator,
    sourceSystem: old.source_system,
    callbackUrl: old.callback_url,
    reason,
  };
}

/** The mark that errand.shown_payload puts in the place of a secret. */
const REDACTED = '***';

/**
 * Throws VALIDATION_FAILED if a payload that was copied from an answer has marks instead of secrets. The
 * secrets are not put back: with another URL in the payload they would go to another server.
 */
function requireSecrets(name: string, payload: unknown): void {
  const headers = name === 'http.request' ? valueAt(payload, '/headers') : undefined;
  if (typeof headers !== 'object' || headers === null) return;
  const details = Object.entries(headers)
    .filter(([, value]) => value === REDACTED)
    .map(([header, value]) =>
      detail(
        `/body/payload/headers/${pointerPart(header)}`,
        `is the mark of a secret that is not shown: give the secret, or leave out the payload to submit the stored one${got(value)}`,
      ),
    );
  if (details.length > 0) throw notValid(name, details.slice(0, MAX_DETAILS));
}

function notValid(name: string, details: Detail[]): ErrandError {
  return new ErrandError('VALIDATION_FAILED', `The resubmission of ${name} is not valid`, { details });
}
