import { ErrandError } from '../../core/errors.ts';
import { inWords } from '../../core/states.ts';
import { cancelTask as cancel } from '../../store/cancel.ts';
import { getTask } from '../../store/tasks.ts';
import { actOf } from '../act.ts';
import type { Operation } from '../call.ts';
import { endOfWhole } from '../whole.ts';
import { taskNotFoundFor } from './get_task.ts';

/**
 * `DELETE /v1/tasks/{id}` (specification R3): cancels what has not started at once, and asks a running attempt to
 * end, in whichever runner has it.
 */
export const cancelTask: Operation = async (call, request, response) => {
  const id = String(request.params.id);
  const task = await cancel(call.writes, id, actOf(call, request), call.visibility);
  if (task !== null) {
    const message =
      task.state === 'running'
        ? 'The running attempt was asked to end: read the task to see what came of it'
        : 'Task cancelled';
    response.json({ task, message });
    return;
  }
  const current = await getTask(call.writes, id, call.visibility);
  if (current === null) throw taskNotFoundFor(call, id);
  const end = await endOfWhole(call.writes, current);
  const whole = end === null ? '' : `, and ${end}`;
  throw new ErrandError('BAD_REQUEST', `Task cannot be cancelled: it ${inWords(current.state)}${whole}`);
};
