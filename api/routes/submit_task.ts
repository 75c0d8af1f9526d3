import type { Request, Response } from 'express';
import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import type { TaskDefinition } from '../../core/task.ts';
import type { SubmitOutcome } from '../../store/submit.ts';
import type { ApiContext } from '../context.ts';
import { callerGone } from '../request.ts';
import { findDefinition, toSubmission } from '../submission.ts';
import { submissionProblems } from '../validate.ts';
import { waitForTask } from '../wait.ts';

/** `POST /v1/tasks/{name}` (specification S1). */
export function submitTask(context: ApiContext) {
  return async (request: Request<{ name: string }>, response: Response): Promise<void> => {
    const definition = findDefinition(context.registry, request.params.name);
    await submitAndAnswer(context, definition, request.body, request, response);
  };
}

const namedSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  payload: z.unknown().optional(),
  context: z.unknown().optional(),
});

/** `POST /v1/tasks` (specification S2): the same with the name in the body, and `context` for `payload`. */
export function submitByName(context: ApiContext) {
  return async (request: Request, response: Response): Promise<void> => {
    const { name, namespace, context: alias, payload, ...options } = namedSchema.parse(request.body);
    if ((payload === undefined) === (alias === undefined)) {
      throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
        details: [{ path: '/body/payload', message: 'must be given, or context in its place, and not both' }],
      });
    }
    const full = namespace === undefined || name.startsWith(`${namespace}.`) ? name : `${namespace}.${name}`;
    const definition = findDefinition(context.registry, full);
    await submitAndAnswer(context, definition, { ...options, payload: payload ?? alias }, request, response);
  };
}

async function submitAndAnswer(
  context: ApiContext,
  definition: TaskDefinition,
  body: unknown,
  request: Request,
  response: Response,
): Promise<void> {
  const problems = await submissionProblems(definition, body, '/body');
  if (problems.length > 0) {
    throw new ErrandError('VALIDATION_FAILED', `The submission of ${definition.name} is not valid`, {
      details: problems,
    });
  }
  const idempotencyKey = request.get('idempotency-key');
  const submission = toSubmission(definition, body, request, { path: '/body', idempotencyKey });
  const { outcome, task } = await context.submitOne(submission);
  if (task === null) {
    throw new ErrandError(
      'CONFLICT',
      `The Idempotency-Key ${JSON.stringify(idempotencyKey)} was already used with another payload`,
    );
  }
  const wait = Number(request.query.wait ?? 0);
  const latest = (await waitForTask(context, task, wait, callerGone(response))) ?? task;
  const created = outcome === 'created';
  response
    .status(created ? 201 : 200)
    .location(`/v1/tasks/${task.id}`)
    .json({ task: latest, created, message: MESSAGES[outcome](latest.state) });
}

const MESSAGES: Record<SubmitOutcome, (state: string) => string> = {
  created: (state) => `Task created: it is ${state}`,
  duplicate: (state) =>
    state === 'succeeded' || state === 'resolved'
      ? `This was submitted before and has ${state}: its result is stored`
      : `This was submitted before and is ${state}: it may now make one attempt more`,
  rearmed: (state) => `This was submitted before and had ended without success: it is ${state} again`,
  conflict: () => 'Conflict',
};
