import { ErrandError } from '../../core/errors.ts';
import { inWords } from '../../core/states.ts';
import { retryTask as rearm } from '../../store/retry.ts';
import { getTask } from '../../store/tasks.ts';
import { actOf } from '../act.ts';
import type { Operation } from '../call.ts';
import { taskNotFoundFor } from './get_task.ts';

/** `PATCH /v1/tasks/{id}/retry` (specification R4): failed or cancelled → queued, attempts kept in history. */
export const retryTask: Operation = async (call, request, response) => {
  const id = String(request.params.id);
  const task = await rearm(call.writes, id, actOf(call, request), call.visibility);
  if (task !== null) {
    response.json({ task, message: `Task queued again: attempt ${task.attempt} of ${task.max_attempts}` });
    return;
  }
  const current = await getTask(call.writes, id, call.visibility);
  if (current === null) throw taskNotFoundFor(call, id);
  throw new ErrandError(
    'BAD_REQUEST',
    `Task cannot be retried: it ${inWords(current.state)}, and only a failed or cancelled one can be`,
  );
};
