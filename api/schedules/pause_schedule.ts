import { courseOfResume } from '../../core/schedules/course.ts';
import { pauseSchedule as pause, resumeSchedule as resume } from '../../store/schedules/change.ts';
import { readSchedule, type ScheduleAtNow, type StoredSchedule } from '../../store/schedules/read.ts';
import type { Operation, RequestContext } from '../context.ts';
import { type FailureStatus, failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Operation as Documented, Paths } from '../openapi/schemas/document.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { actOf, reasonParameter } from '../operators/act.ts';
import {
  changesTooOften,
  MAX_TRIES,
  scheduleNotFound,
  scheduleToChange,
  shownSchedule,
  standingOf,
} from './schedule.ts';
import { scheduleIdParameter } from './schedule_schema.ts';
import { toSchedule } from './shown.ts';

/** The paths of the pause of a schedule. */
export function pauseSchedulePaths(): Paths {
  return {
    '/v1/schedules/{schedule_id}/pause': {
      put: changeOf(
        'pauseSchedule',
        'Stop handling the times of a schedule',
        'Its times are skipped until it is resumed. Tasks that exist continue, and a time that waits for the end of an earlier run goes on waiting.',
        [404],
      ),
    },
    '/v1/schedules/{schedule_id}/resume': {
      put: changeOf(
        'resumeSchedule',
        'Handle the times of a schedule again',
        'It goes on with the first time after now. The times of the pause are recorded as skipped; a backfill can submit them.',
        [404, 409],
      ),
    },
  };
}

function changeOf(
  operationId: string,
  summary: string,
  description: string,
  statuses: FailureStatus[],
): Documented {
  return {
    tags: ['schedules'],
    operationId,
    summary,
    description,
    parameters: [scheduleIdParameter, reasonParameter],
    responses: { 200: jsonAnswer('The schedule', ref('ScheduleAnswer')), ...failures(...statuses) },
  };
}

/** `PUT /v1/schedules/{schedule_id}/pause` (specification K7). A pause of a paused schedule changes nothing. */
export const pauseSchedule: Operation = async (context, request, response) => {
  const id = scheduleToChange(context, request);
  const paused = await pause(context.writes, id, actOf(context, request));
  const current = paused ?? (await existing(context, id));
  response.json(
    answer(context, current, paused !== null, {
      done: `${id} is paused: its times are skipped until it is resumed`,
      nothing: `${id} was already paused`,
    }),
  );
};

/** `PUT /v1/schedules/{schedule_id}/resume`: it goes on with the first time after now. */
export const resumeSchedule: Operation = async (context, request, response) => {
  const id = scheduleToChange(context, request);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = await existing(context, id);
    const { schedule, now } = current;
    const words = { done: `${id} is resumed`, nothing: `${id} was not paused` };
    if (schedule.paused_at === null) return void response.json(answer(context, current, false, words));
    const course = courseOfResume(standingOf(schedule), now);
    const dueAt = schedule.broken === null ? course.dueAt : null;
    const resumed = await resume(context.writes, schedule, { ...course, dueAt }, actOf(context, request));
    if (resumed !== null) return void response.json(answer(context, resumed, true, words));
  }
  throw changesTooOften(id);
};

type Existing = ScheduleAtNow & { schedule: StoredSchedule };

async function existing(context: RequestContext, id: string): Promise<Existing> {
  const { now, schedule } = await readSchedule(context.writes, id);
  if (schedule === null) throw scheduleNotFound(id);
  return { now, schedule };
}

function answer(
  context: RequestContext,
  current: Existing,
  changed: boolean,
  words: { done: string; nothing: string },
): Record<string, unknown> {
  const schedule = toSchedule(current);
  const next = schedule.state === 'active' ? schedule.next_times[0] : undefined;
  const then = next === undefined ? '' : `: it runs next at ${next.local}`;
  return {
    schedule: shownSchedule(context, schedule),
    changed,
    message: `${changed ? words.done : words.nothing}${then}`,
  };
}
