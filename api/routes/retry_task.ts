import { ErrandError } from '../../core/errors.ts';
import { inWords, REARMABLE } from '../../core/states.ts';
import { retryTask as rearm } from '../../store/retry.ts';
import { getTask, type Task } from '../../store/tasks.ts';
import { actOf } from '../act.ts';
import type { Operation } from '../call.ts';
import { endOfWhole } from '../whole.ts';
import { taskNotFoundFor } from './get_task.ts';

/** `PATCH /v1/tasks/{id}/retry` (specification R4): failed or cancelled → queued, attempts kept in history. */
export const retryTask: Operation = async (call, request, response) => {
  const id = String(request.params.id);
  const task = await rearm(call.writes, id, actOf(call, request), call.visibility);
  if (task !== null) {
    response.json({ task, message: messageOf(task) });
    return;
  }
  const current = await getTask(call.writes, id, call.visibility);
  if (current === null) throw taskNotFoundFor(call, id);
  const end = REARMABLE.some((state) => state === current.state)
    ? await endOfWhole(call.writes, current)
    : null;
  if (end !== null) throw new ErrandError('BAD_REQUEST', `Task cannot be retried: ${end}`);
  throw new ErrandError(
    'BAD_REQUEST',
    `Task cannot be retried: it ${inWords(current.state)}, and only a failed or cancelled one can be`,
  );
};

/** A workflow is due itself when its steps are done, and a step when those before it are. */
function messageOf({ state, attempt, max_attempts }: Task): string {
  const which = `attempt ${attempt} of ${max_attempts}`;
  if (state === 'running') return `What had failed or was cancelled of it is queued again: ${which}`;
  return state === 'waiting'
    ? `Task waits again for the steps before it: ${which}`
    : `Task queued again: ${which}`;
}
