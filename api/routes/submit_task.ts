import type { Request, Response } from 'express';
import { z } from 'zod';
import { checker } from '../../core/check.ts';
import { type Detail, ErrandError } from '../../core/errors.ts';
import { detail, got, valueAt } from '../../core/json.ts';
import { inWords, type State } from '../../core/states.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { traceSend } from '../../process/tracing.ts';
import { type Submission, type SubmitOutcome, type Submitted, submitTasks } from '../../store/submit.ts';
import type { Task } from '../../store/tasks.ts';
import type { Call, Operation } from '../call.ts';
import { namingSchema } from '../openapi/submission.ts';
import { findDefinition, toSubmission } from '../submission.ts';
import { giveWay } from '../turns.ts';
import { submissionProblems } from '../validate.ts';
import { waitForTask, waitSeconds } from '../wait.ts';

/** `POST /v1/tasks/{name}` (specification S1). */
export const submitTask: Operation = async (call, request, response) => {
  const definition = findDefinition(call, String(request.params.name), '/path/name');
  await submitAndAnswer(call, { definition, body: request.body }, request, response);
};

const checkNaming = checker(namingSchema);
const namedSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  context: z.unknown().optional(),
});

/** `POST /v1/tasks` (specification S2): the same with the name in the body, and `context` for `payload`. */
export const submitByName: Operation = async (call, request, response) => {
  const details = [...checkNaming(request.body, '/body'), ...checkAlias(request.body)];
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { name, namespace, context: alias, ...rest } = namedSchema.parse(request.body);
  const full = namespace === undefined || name.startsWith(`${namespace}.`) ? name : `${namespace}.${name}`;
  const definition = findDefinition(call, full, '/body/name');
  const asked =
    alias === undefined ? { body: rest } : { body: { ...rest, payload: alias }, payloadName: 'context' };
  await submitAndAnswer(call, { definition, ...asked }, request, response);
};

function checkAlias(body: unknown): Detail[] {
  const alias = valueAt(body, '/context');
  if (alias === undefined || valueAt(body, '/payload') === undefined) return [];
  return [detail('/body/context', `must not be given together with payload${got(alias)}`)];
}

/** What a request asks to be submitted. `payloadName` is the word that it uses for the payload. */
type Asked = { definition: TaskDefinition; body: unknown; payloadName?: string };

/** Submits one task and answers with it. Throws VALIDATION_FAILED with everything that is wrong with it, at `/body`. */
export async function submitAndAnswer(
  call: Call,
  asked: Asked,
  request: Request,
  response: Response,
): Promise<void> {
  const { definition, body } = asked;
  call.admit(definition.namespace);
  const seconds = waitSeconds(request);
  const details = await submissionProblems(call, { ...asked, path: '/body', log: request.log });
  if (details.length > 0) {
    throw new ErrandError('VALIDATION_FAILED', `The submission of ${definition.name} is not valid`, {
      details,
    });
  }
  await giveWay(request);
  const idempotencyKey = request.get('idempotency-key');
  const submission = toSubmission(definition, body, request, { path: '/body', idempotencyKey });
  const { name, traceparent } = submission;
  const { outcome, task } = await traceSend({ name, count: 1, traceparent }, (own) =>
    submitOne(call, { ...submission, traceparent: own }),
  );
  call.submitted(name, outcome);
  if (task === null) {
    throw new ErrandError(
      'CONFLICT',
      `The Idempotency-Key ${JSON.stringify(idempotencyKey)} was already used with another payload`,
    );
  }
  const latest = (await waitForTask(call, task, seconds)) ?? task;
  await giveWay(request);
  const created = outcome === 'created';
  response
    .status(created ? 201 : 200)
    .location(`/v1/tasks/${task.id}`)
    .json({ task: latest, created, message: MESSAGES[outcome](latest.state) });
}

/**
 * Of those that came together with one Idempotency-Key and several payloads, the statement tries the first; in a
 * conflict it can't tell which of the others has the payload that is stored. Asked alone, it can.
 */
async function submitOne(call: Call, submission: Submission): Promise<Submitted<Task>> {
  const submitted = await call.submitOne(submission);
  if (submitted.outcome !== 'conflict') return submitted;
  const [alone] = await submitTasks(call.writes, [submission]);
  return alone ?? submitted;
}

const MESSAGES: Record<SubmitOutcome, (state: State) => string> = {
  created: (state) => `Task created: it ${inWords(state)}`,
  duplicate: (state) =>
    state === 'succeeded' || state === 'resolved'
      ? `This was submitted before and ${inWords(state)}: its result is stored`
      : `This was submitted before and ${inWords(state)}: it may now make one attempt more`,
  rearmed: (state) =>
    `This was submitted before and had ended without success. Queued again, it ${inWords(state)}`,
  conflict: () => 'Conflict',
};
