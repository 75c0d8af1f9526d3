import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { inWords } from '../../core/states.ts';
import { auditResend, type FoundDelivery, findDelivery, listDeliveries } from '../../store/deliveries.ts';
import { submitTasks } from '../../store/submit.ts';
import { inTransaction } from '../../store/transaction.ts';
import { deliver } from '../../tasks/webhook.deliver.task.ts';
import { actOf } from '../act.ts';
import type { Operation } from '../call.ts';
import { ownSubmission } from '../own_submission.ts';
import { taskNotFound, taskNotFoundFor } from './get_task.ts';

/** What one answer holds. A task has one for each of its ends, and one for each time that it was sent again. */
const LIMIT = 100;

/** `GET /v1/tasks/{id}/deliveries` (specification L5): what was sent to the callback of a task, and what came of it. */
export const listTaskDeliveries: Operation = async (call, request, response) => {
  const id = String(request.params.id);
  const found = await listDeliveries(call.reads, id, call.visibility, LIMIT);
  if (found === null) throw taskNotFound(id);
  response.json({ deliveries: found.deliveries, is_truncated: found.more });
};

/**
 * `POST /v1/tasks/{id}/deliveries/{delivery_id}/resend`: the same message, by a new delivery. Not beside one that is about to
 * send it anyway; one that backs off goes on as well, and the receiver tells by the id of the message that it has had it.
 */
export const resendDelivery: Operation = async (call, request, response) => {
  const taskId = String(request.params.id);
  const deliveryId = String(request.params.delivery_id);
  const act = actOf(call, request);
  const resent = await inTransaction(call.writes, async (client) => {
    const found = await findDelivery(client, { taskId, deliveryId }, call.visibility);
    if (found === null) throw taskNotFoundFor(call, taskId);
    const { payload, messageId } = resendable(found, taskId, deliveryId);
    const [submitted] = await submitTasks(client, [
      { ...ownSubmission(deliver, payload, act, request), callbackOf: taskId },
    ]);
    if (!submitted?.task) throw new Error('the delivery was not submitted');
    const { id } = submitted.task;
    await auditResend(client, { taskId, name: found.name }, act, { delivery_id: deliveryId, resent_as: id });
    return { id, messageId };
  });
  response.status(201).json({
    delivery_id: resent.id,
    message_id: resent.messageId,
    message: `Sent again, as delivery ${resent.id}`,
  });
};

const messageSchema = z.looseObject({ message_id: z.string() });

/** What a delivery sends. Throws NOT_FOUND when the task has none of this id, CONFLICT when it is being sent. */
function resendable(
  { id, state, payload }: FoundDelivery,
  taskId: string,
  deliveryId: string,
): { payload: unknown; messageId: string } {
  if (id === null || state === null) {
    throw new ErrandError('NOT_FOUND', `The task ${taskId} has no delivery ${deliveryId}`);
  }
  if (state === 'scheduled' || state === 'queued' || state === 'running') {
    throw new ErrandError('CONFLICT', `The delivery ${deliveryId} ${inWords(state)}: it is sent anyway`);
  }
  return { payload, messageId: messageSchema.parse(payload).message_id };
}
