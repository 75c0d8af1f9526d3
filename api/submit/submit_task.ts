import type { Request, Response } from 'express';
import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { type Detail, ErrandError } from '../../core/errors.ts';
import { detail, got, valueAt } from '../../core/json/json.ts';
import type { Submittable } from '../../core/registration/submittable.ts';
import { inWords, REARMABLE, type State } from '../../core/states.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { traceSend } from '../../process/tracing.ts';
import {
  type Submission,
  type SubmitOutcome,
  type Submitted,
  submitTasks,
} from '../../store/submit/submit.ts';
import type { Task } from '../../store/tasks/tasks.ts';
import { giveWay } from '../capacity/turns.ts';
import type { Operation, RequestContext } from '../context.ts';
import { anyFailure, failures, jsonBody, submitAnswers } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { waitForTask, waitParameter, waitSeconds } from '../tasks/wait.ts';
import { answerSubmission } from './answer_submission.ts';
import {
  findTask,
  idempotencyKeyOf,
  idempotencyKeyParameter,
  submissionProblems,
  toSubmission,
  withLimitKeys,
} from './submission.ts';
import {
  givenOptions,
  namedSubmissionSchema,
  namingSchema,
  pascalCase,
  pathsOfTask,
  sentExample,
} from './submission_schema.ts';

/** The submission of one task of a definition in the OpenAPI document. */
export function submitTaskPaths(
  definition: Pick<TaskDefinition, 'name' | 'description' | 'namespace' | 'resultJsonSchema'>,
): Paths {
  const { name, description, namespace, resultJsonSchema } = definition;
  const [one] = pathsOfTask(name);
  return {
    [one]: {
      post: {
        tags: [namespace],
        operationId: `submit${pascalCase(name)}`,
        summary: description,
        parameters: [idempotencyKeyParameter, waitParameter],
        requestBody: jsonBody(ref(`${name}.submission`)),
        responses: { ...submitAnswers(resultJsonSchema === undefined ? undefined : name), ...anyFailure },
      },
    },
  };
}

/** `POST /v1/tasks/{name}` (specification S1). */
export const submitTask: Operation = async (context, request, response) => {
  const definition = await findTask(context, String(request.params.name), '/path/name');
  await submitAndAnswer(context, { definition, body: request.body }, request, response);
};

/** The submission of a task that the body names, in the OpenAPI document. `shown` gives its example. */
export function submitByNamePaths(shown: TaskDefinition | undefined): Paths {
  return {
    '/v1/tasks': {
      post: {
        tags: ['tasks'],
        operationId: 'submitTask',
        summary: 'Submit a task that the body names',
        description:
          'Like the path of the task, for callers that choose the task by data. Takes every task that `GET /v1/handlers` lists. Runners of other repositories may have registered some of them: these have no path in this document, but `POST /v1/tasks/{name}` and `POST /v1/tasks/{name}/batch` take them too.',
        parameters: [idempotencyKeyParameter, waitParameter],
        requestBody: jsonBody(namedSubmissionSchema, {
          name: shown?.name,
          payload: shown && sentExample(shown),
        }),
        responses: { ...submitAnswers(), ...failures(400, 404, 409, 413, 415) },
      },
    },
  };
}

const checkNaming = checker(namingSchema);
const namedSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  context: z.unknown().optional(),
});

/**
 * `POST /v1/tasks` (specification S2): a submission with the name in the body. `context` is an alias of
 * `payload`.
 */
export const submitByName: Operation = async (context, request, response) => {
  const body = givenOptions(request.body);
  const details = [...checkNaming(body, '/body'), ...checkAlias(body)];
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { name, namespace, context: alias, ...rest } = namedSchema.parse(body);
  const full = namespace === undefined || name.startsWith(`${namespace}.`) ? name : `${namespace}.${name}`;
  const definition = await findTask(context, full, '/body/name');
  const asked =
    alias === undefined ? { body: rest } : { body: { ...rest, payload: alias }, payloadName: 'context' };
  await submitAndAnswer(context, { definition, ...asked }, request, response);
};

function checkAlias(body: unknown): Detail[] {
  const alias = valueAt(body, '/context');
  if (alias === undefined || valueAt(body, '/payload') === undefined) return [];
  return [detail('/body/context', `must not be combined with payload${got(alias)}`)];
}

/** The submission of a request. `payloadName` is its key for the payload. */
type Asked = { definition: Submittable; body: unknown; payloadName?: string };

/** Submits one task and answers with it. Throws VALIDATION_FAILED with all problems, under `/body`. */
export async function submitAndAnswer(
  context: RequestContext,
  asked: Asked,
  request: Request,
  response: Response,
): Promise<void> {
  const { definition, body } = asked;
  context.admit(definition.namespace);
  const seconds = waitSeconds(request);
  const details = await submissionProblems(context, { ...asked, path: '/body', log: request.log });
  if (details.length > 0) {
    throw new ErrandError('VALIDATION_FAILED', `The submission of ${definition.name} is not valid`, {
      details,
    });
  }
  await giveWay(request);
  const idempotencyKey = idempotencyKeyOf(request);
  const submission = await withLimitKeys(
    definition,
    toSubmission(context, definition, body, request, { path: '/body', idempotencyKey }),
  );
  const { name, traceparent } = submission;
  const { outcome, task } = await traceSend({ name, count: 1, traceparent }, (own) =>
    submitOne(context, { ...submission, traceparent: own }),
  );
  context.submitted(name, outcome);
  if (task === null) {
    throw new ErrandError(
      'CONFLICT',
      `The Idempotency-Key ${JSON.stringify(idempotencyKey)} was already used with another payload: use a new key`,
    );
  }
  const latest = (await waitForTask(context, task, seconds)) ?? task;
  await giveWay(request);
  const created = outcome === 'created';
  answerSubmission(context, request, response, {
    task: latest,
    created,
    message: messageOf(outcome, latest, submission),
  });
}

/**
 * Submits a task, and submits it alone if the result of the shared statement may belong to another duplicate.
 * Of duplicates that arrive together, the statement tries only the first. If one Idempotency-Key comes with
 * several payloads, it does not know which of the others has the stored payload. And another duplicate may
 * have the right to queue the task again, although the first one lacks it.
 */
async function submitOne(context: RequestContext, submission: Submission): Promise<Submitted<Task>> {
  const submitted = await context.submitOne(submission);
  if (submitted.outcome !== 'conflict' && !(submission.mayOperate && isEnded(submitted))) return submitted;
  const [alone] = await submitTasks(context.writes, [submission]);
  return alone ?? submitted;
}

function messageOf(outcome: SubmitOutcome, task: Task, { callbackUrl, mayRead }: Submission): string {
  const message = MESSAGES[outcome](task.state);
  if (mayRead || !callbackUrl || task.callback_url === callbackUrl) return message;
  return `${message}. Your callback_url will not receive its outcome: for a task of another submitter that needs the scope read`;
}

/** Whether an operator has ended the task. A task that failed by itself would be queued again. */
function isEnded({ outcome, task }: Submitted<Task>): boolean {
  return outcome === 'duplicate' && REARMABLE.some((state) => state === task?.state);
}

const MESSAGES: Record<SubmitOutcome, (state: State) => string> = {
  created: (state) => `Task created: it ${inWords(state)}`,
  duplicate: (state) =>
    state === 'succeeded' || state === 'resolved'
      ? `The task was submitted before and ${inWords(state)}: its result is stored`
      : REARMABLE.some((one) => one === state)
        ? `The task was submitted before and ${inWords(state)}. An operator has ended it, or a part of it: to run it again needs the scope operate`
        : `The task was submitted before and ${inWords(state)}: it may make one more attempt, unless its duplicates have already added ten`,
  rearmed: (state) =>
    `The task was submitted before and ended without success. It is queued again and ${inWords(state)}`,
  conflict: () => 'The Idempotency-Key was already used with another payload',
};
