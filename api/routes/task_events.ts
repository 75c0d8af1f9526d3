import { getState } from '../../store/tasks.ts';
import type { Operation } from '../call.ts';
import { NOTHING_TOLD, toldUpTo } from '../streams/events.ts';
import { follow } from '../streams/follow.ts';
import { taskNotFound } from './get_task.ts';

/**
 * `GET /v1/tasks/{id}/events` (specification L2): Server-Sent Events of what becomes of a task, until it has ended.
 * Last-Event-ID goes on after what has been told.
 */
export const taskEvents: Operation = async (call, request) => {
  const id = String(request.params.id);
  if ((await getState(call.reads, id, call.visibility)) === null) throw taskNotFound(id);
  const last = request.get('last-event-id');
  const position = last === undefined ? NOTHING_TOLD : toldUpTo(last);
  const { feed, readEvents } = call.streams;
  const stream = call.openStream();
  await follow({ feed, taskId: id, stream, position, readOn: readEvents(id), log: request.log });
};
