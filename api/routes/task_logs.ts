import { z } from 'zod';
import { readLines } from '../../store/logs.ts';
import type { Operation } from '../call.ts';
import { parseQuery } from '../request.ts';
import { follow } from '../streams/follow.ts';
import { taskNotFound } from './get_task.ts';

const querySchema = z.object({ after: z.number().default(0), page_size: z.number() });

/**
 * `GET /v1/tasks/{id}/logs` (specification L1): a page of lines, or with `Accept: text/event-stream` all lines as they
 * come, until the task has ended. Last-Event-ID goes before `after`.
 */
export const taskLogs: Operation = async (call, request, response) => {
  const id = String(request.params.id);
  const { after, page_size: limit } = parseQuery(querySchema, request);
  const wantsStream = request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
  const position = Number((wantsStream && request.get('last-event-id')) || after);
  const found = await readLines(
    call.reads,
    id,
    { after: position, limit: wantsStream ? 0 : limit },
    call.visibility,
  );
  if (found === null) throw taskNotFound(id);
  if (wantsStream) {
    const { feed, readLines: readOn } = call.streams;
    const stream = call.openStream();
    await follow({ feed, taskId: id, stream, position, readOn: readOn(id), log: request.log });
    return;
  }
  const { state, lines, hasMore } = found;
  response.json({ items: lines, next_after: lines.at(-1)?.seq ?? after, has_more: hasMore, state });
};
