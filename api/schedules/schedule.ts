import type { Request } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { isComputable } from '../../core/schedules/computable.ts';
import type { Standing } from '../../core/schedules/course.ts';
import type { StoredSchedule } from '../../store/schedules/read.ts';
import { isSeenBy, type RequestContext, requireName } from '../context.ts';
import { mayRead } from '../tasks/get_task.ts';

/** How often a change is tried again because the schedule has changed since it was read. */
export const MAX_TRIES = 8;

/** The id of a path, for an operation that changes the schedule. Throws FORBIDDEN for another namespace. */
export function scheduleToChange(context: RequestContext, request: Request): string {
  const id = String(request.params.schedule_id);
  requireName(context, id);
  return id;
}

/** The id of a path, for a read. Throws NOT_FOUND for another namespace, as for an id that nothing has. */
export function scheduleToRead(context: RequestContext, request: Request): string {
  const id = String(request.params.schedule_id);
  if (!isSeenBy(context)(id)) throw scheduleNotFound(id);
  return id;
}

/** The error for an id without a schedule that the caller may see. */
export function scheduleNotFound(id: string): ErrandError {
  return new ErrandError('NOT_FOUND', `There is no schedule ${id}: see GET /v1/schedules for all of them`);
}

/** Throws CONFLICT for a schedule in code, which only its files change. */
export function requireOfApi({ id, origin, owner }: Pick<StoredSchedule, 'id' | 'origin' | 'owner'>): void {
  if (origin === 'api') return;
  const where = owner === null ? 'in code' : `in the code of ${owner}`;
  throw new ErrandError(
    'CONFLICT',
    `The schedule ${id} is defined ${where}: change it there and deploy, or choose another id. It can be paused here`,
  );
}

/** Throws CONFLICT for a schedule that cannot submit tasks. */
export function requireWhole({
  id,
  broken,
  settings,
}: Pick<StoredSchedule, 'id' | 'broken' | 'settings'>): void {
  if (broken === null && isComputable(settings)) return;
  throw new ErrandError(
    'CONFLICT',
    `The schedule ${id} is broken: ${broken ?? 'its times cannot be computed'}. Mend it first`,
  );
}

/** The error for a schedule whose row changes faster than it can be changed. */
export function changesTooOften(id: string): ErrandError {
  return new ErrandError(
    'CONFLICT',
    `The schedule ${id} has changed ${MAX_TRIES} times while it was to be changed: try again`,
  );
}

/** Where a stored schedule stands. */
export function standingOf({ id, settings, last_at, next_at, paused_at }: StoredSchedule): Standing {
  return {
    id,
    settings,
    lastAt: last_at === null ? null : new Date(last_at),
    nextAt: next_at === null ? null : new Date(next_at),
    isPaused: paused_at !== null,
  };
}

/** A schedule, or only its id and state if the caller lacks the scope `read`: it has the payload of somebody else. */
export function shownSchedule<S extends { id: string; state: string }>(
  context: Pick<RequestContext, 'principal' | 'openReads'>,
  schedule: S,
): S | Pick<S, 'id' | 'state'> {
  return mayRead(context) ? schedule : { id: schedule.id, state: schedule.state };
}
