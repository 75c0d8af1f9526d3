import { ErrandError } from '../../core/errors.ts';
import { listNodes, getStep as readStep } from '../../store/steps.ts';
import type { Operation } from '../call.ts';
import { recordOf } from '../record.ts';
import { taskNotFound } from './get_task.ts';

/** `GET /v1/tasks/{id}/workflow_steps` (specification W3): the steps of a workflow, or what a step has made. */
export const listSteps: Operation = async (call, request, response) => {
  const id = String(request.params.id);
  const listed = await listNodes(call.reads, id, call.visibility);
  if (listed === null) throw taskNotFound(id);
  response.json({ steps: listed.nodes, is_truncated: listed.more });
};

/** `GET /v1/tasks/{id}/workflow_steps/{step_id}` (specification W3): the record of a step of this task. */
export const getStep: Operation = async (call, request, response) => {
  const at = { parentId: String(request.params.id), stepId: String(request.params.step_id) };
  const step = await readStep(call.reads, at, call.visibility);
  if (step === null) throw stepNotFound(at);
  response.json(await recordOf(call.reads, step));
};

/** The error for a step that a task has not, or that the caller may not see. */
export function stepNotFound({ parentId, stepId }: { parentId: string; stepId: string }): ErrandError {
  return new ErrandError('NOT_FOUND', `There is no step ${stepId} of a task ${parentId}`);
}
