import type { Request } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { type Changed, pauseQueue as pause, resumeQueue as resume } from '../../store/queues.ts';
import { actOf } from '../act.ts';
import { type Call, type Operation, requireName } from '../call.ts';

/** `PUT /v1/queues/{queue}/pause` (specification R10): nothing of a namespace or task name starts any more. */
export const pauseQueue: Operation = async (call, request, response) => {
  const target = targetOf(call, request);
  const changed = known(call, target, await pause(call.writes, target, actOf(call, request)));
  const message = changed.changed
    ? `Paused: what runs of ${target} goes on, nothing more starts until it is resumed`
    : `${target} was paused already`;
  response.json({ queue: target, paused: true, pause: changed.pause, changed: changed.changed, message });
};

/** `PUT /v1/queues/{queue}/resume`: it goes on with what has come meanwhile. */
export const resumeQueue: Operation = async (call, request, response) => {
  const target = targetOf(call, request);
  const { changed } = known(call, target, await resume(call.writes, target, actOf(call, request)));
  const message = changed ? `Resumed: ${target} goes on` : `${target} was not paused`;
  response.json({ queue: target, paused: false, pause: null, changed, message });
};

function targetOf(call: Call, request: Request): string {
  const target = String(request.params.queue);
  requireName(call, target);
  return target;
}

function known(call: Call, target: string, changed: Changed): Changed {
  if (changed.isKnown) return changed;
  const close = target.includes('.') ? call.registry.closeNames(target) : [];
  const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see GET /v1/queues';
  throw new ErrandError('NOT_FOUND', `No task has the name or namespace ${JSON.stringify(target)}: ${hint}`);
}
