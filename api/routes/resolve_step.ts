import { z } from 'zod';
import { checker } from '../../core/check.ts';
import { ErrandError } from '../../core/errors.ts';
import { inWords, RESOLVABLE } from '../../core/states.ts';
import { resolveStep as resolve } from '../../store/resolve.ts';
import { getStep } from '../../store/steps.ts';
import { getTask, type Task } from '../../store/tasks.ts';
import { actOf } from '../act.ts';
import type { Call, Operation } from '../call.ts';
import { resolutionSchema } from '../openapi/workflow_paths.ts';
import { recordOf } from '../record.ts';
import { resolvedResult } from '../resolution.ts';
import { giveWay } from '../turns.ts';
import { endOfWhole } from '../whole.ts';
import { taskNotFoundFor } from './get_task.ts';
import { stepNotFound } from './workflow_steps.ts';

const check = checker(resolutionSchema);
const bodySchema = z.object({ resolution_data: z.unknown(), resolved_by: z.string(), reason: z.string() });

/**
 * `PATCH /v1/tasks/{id}/workflow_steps/{step_id}` (specification W5): an operator says what a step came to, and what waits
 * for it goes on.
 */
export const resolveStep: Operation = async (call, request, response) => {
  const details = check(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { resolution_data: data, resolved_by: resolvedBy, reason } = bodySchema.parse(request.body);
  const workflowId = String(request.params.id);
  const stepId = String(request.params.step_id);
  const step = await requireStep(call, workflowId, stepId);
  const obstacle = await whyNot(call, step);
  if (obstacle !== null) throw notResolvable(obstacle);
  const result = await requireFit(call, step, data);
  await giveWay(request);
  const act = actOf(call, request, reason);
  const resolution = { data: result, resolvedBy, reason };
  const resolved = await resolve(call.writes, { workflowId, stepId }, resolution, act, call.visibility);
  if (resolved === null) {
    // Somebody was faster.
    const now = await requireStep(call, workflowId, stepId);
    throw notResolvable((await whyNot(call, now)) ?? 'it has just changed: try again');
  }
  const record = await recordOf(call.writes, resolved);
  await giveWay(request);
  response.json(record);
};

async function requireStep(call: Call, parentId: string, stepId: string): Promise<Task> {
  const step = await getStep(call.writes, { parentId, stepId }, call.visibility);
  if (step !== null) return step;
  const workflow = await getTask(call.writes, parentId, call.visibility);
  throw workflow === null ? taskNotFoundFor(call, parentId) : stepNotFound({ parentId, stepId });
}

/** What keeps a step from being resolved, or null. */
async function whyNot(call: Call, task: Task): Promise<string | null> {
  if (task.step === null) return 'it is no step, but one of the tasks that a step has made';
  const end = await endOfWhole(call.writes, task);
  if (end !== null) return end;
  return RESOLVABLE.some((state) => state === task.state)
    ? null
    : `it ${inWords(task.state)}, and only one that has failed or has not started can be`;
}

function notResolvable(why: string): ErrandError {
  return new ErrandError('BAD_REQUEST', `Step cannot be manually resolved: ${why}`);
}

/** What is to be recorded of the data. Throws VALIDATION_FAILED when the steps after this one could not go on with it. */
async function requireFit(call: Call, step: Task, data: unknown): Promise<unknown> {
  const result = await resolvedResult(call, step, data, '/body/resolution_data');
  if (result.ok) return result.value;
  throw new ErrandError('VALIDATION_FAILED', `The resolution does not fit the result of ${step.name}`, {
    details: result.details,
  });
}
