import type { Request } from 'express';
import { z } from 'zod';
import { settingsProblems } from '../../core/schedules/check.ts';
import { type Course, courseOfChange, isSameTiming } from '../../core/schedules/course.ts';
import { firstTime } from '../../core/schedules/plan.ts';
import type { ScheduleSettings } from '../../core/schedules/settings.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { changeSchedule, createSchedule, readForChange } from '../../store/schedules/change.ts';
import type { ScheduleAtNow, StoredSchedule } from '../../store/schedules/read.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonAnswer, jsonBody, location } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { inQuery } from '../openapi/schemas/parameters.ts';
import { extended, ref } from '../openapi/schemas/schemas.ts';
import { actOf, reasonParameter } from '../operators/act.ts';
import { parseQuery } from '../request.ts';
import { sentExample } from '../submit/submission_schema.ts';
import { type AskedContent, invalidSettings, readSettings, together } from './asked_settings.ts';
import {
  changesTooOften,
  MAX_TRIES,
  requireOfApi,
  scheduleToChange,
  shownSchedule,
  standingOf,
} from './schedule.ts';
import { scheduleIdParameter } from './schedule_schema.ts';
import { toSchedule } from './shown.ts';

/** The component schema of the answer. */
export const putScheduleSchemas = {
  PutScheduleAnswer: extended('ScheduleAnswer', 'The schedule, and whether it is new', {
    created: { type: 'boolean' },
  }),
};

/** The operation in the OpenAPI document. `shown` is the task of its example. */
export function putSchedulePaths(shown: TaskDefinition | undefined): Paths {
  return {
    '/v1/schedules/{schedule_id}': {
      put: {
        tags: ['schedules'],
        operationId: 'putSchedule',
        summary: 'Make or change a schedule',
        description:
          'The body is the complete settings. The same settings again change nothing. With the same timing, the next time stays. With another timing, the schedule goes on with the first time after now; a time that is due at this moment is neither lost nor doubled. A new schedule never runs for times in the past. A broken schedule is mended if its settings are valid again.',
        parameters: [
          scheduleIdParameter,
          inQuery(
            'dry_run',
            { type: 'boolean', default: false },
            'Only check, and answer what the schedule would be',
          ),
          reasonParameter,
        ],
        requestBody: jsonBody(ref('ScheduleSettings'), {
          task: shown?.name,
          payload: shown && sentExample(shown),
          cron: '30 7 * * MON-FRI',
          timezone: 'Europe/Berlin',
        }),
        responses: {
          200: jsonAnswer('The schedule was there, or this is a dry run', ref('PutScheduleAnswer')),
          201: jsonAnswer('The schedule is new', ref('PutScheduleAnswer'), location),
          ...failures(400, 404, 409),
        },
      },
    },
  };
}

const querySchema = z.object({ dry_run: z.boolean() });

/** `PUT /v1/schedules/{schedule_id}` (specification K1). */
export const putSchedule: Operation = async (context, request, response) => {
  const id = scheduleToChange(context, request);
  const { dry_run: isDryRun } = parseQuery(querySchema, request);
  const asked = await readSettings(context, id, request);
  const put = await upsert(context, { ...asked, id, isDryRun }, request);
  const { created, changed, schedule, now } = put;
  if (created && !isDryRun) response.status(201).location(context.publicUrl(request, `/v1/schedules/${id}`));
  const shown = toSchedule({ now, schedule });
  response.json({
    schedule: shownSchedule(context, shown),
    created,
    changed,
    message: messageOf(put, shown.next_times[0]?.local, isDryRun),
  });
};

type Put = ScheduleAtNow & { schedule: StoredSchedule; created: boolean; changed: boolean };

/**
 * Reads the schedule with Postgres's clock, plans its course and writes, until nobody else has changed it in
 * between. A crash before the write has changed nothing, and after it the same request changes nothing.
 */
async function upsert(
  context: RequestContext,
  asked: AskedContent & { id: string; isDryRun: boolean },
  request: Request,
): Promise<Put> {
  const { id, content, isDryRun } = asked;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await readForChange(context.writes, id, content);
    const { schedule, now, isSame } = before;
    if (schedule !== null) requireOfApi(schedule);
    requireValid(asked, before);
    if (schedule !== null && isSame) return { schedule, now, created: false, changed: false };
    const course = courseOf(id, content.settings, before);
    const outcome = { created: schedule === null, changed: true };
    if (isDryRun) return { now, schedule: planned(before, id, content.settings, course), ...outcome };
    const act = actOf(context, request);
    const written =
      schedule === null
        ? await createSchedule(context.writes, id, content, course, act)
        : await changeSchedule(context.writes, schedule, content, course, act);
    if (written !== null) return { ...written, ...outcome };
  }
  throw changesTooOften(id);
}

/**
 * Throws VALIDATION_FAILED with all problems. A timing that is stored already was valid when it came: that its
 * last time is over is no problem, so that the same request can be sent again.
 */
function requireValid(
  { id, content: { settings }, problems }: AskedContent & { id: string },
  { schedule, now }: ScheduleAtNow,
): void {
  const isKept = schedule !== null && isSameTiming(schedule.settings, settings);
  const ofSettings = settingsProblems(id, settings, isKept ? new Date(0) : now, '/body');
  const all = together(ofSettings, problems);
  if (all.length > 0) throw invalidSettings(id, all);
}

function courseOf(id: string, settings: ScheduleSettings, { schedule, now }: ScheduleAtNow): Course {
  if (schedule !== null) return courseOfChange(standingOf(schedule), settings, now);
  return { ...firstTime({ id, settings, now, lastAt: null, overdue: null }), skipped: null };
}

/** The schedule that a write would make. */
function planned(
  { schedule, now }: ScheduleAtNow,
  id: string,
  settings: ScheduleSettings,
  { nextAt, dueAt }: Course,
): StoredSchedule {
  const at = now.toISOString();
  const heldFor = schedule?.held_for ?? null;
  const isPaused = (schedule?.paused_at ?? null) !== null;
  return {
    ...(schedule ?? NEW),
    ...{ id, settings, task: settings.task, broken: null, broken_at: null, updated_at: at },
    state: isPaused ? 'paused' : dueAt === null && heldFor === null ? 'ended' : 'active',
    created_at: schedule?.created_at ?? at,
    revision: (schedule?.revision ?? 0) + 1,
    next_at: nextAt?.toISOString() ?? null,
    due_at: dueAt?.toISOString() ?? null,
  };
}

const NEW: Pick<StoredSchedule, 'origin' | 'owner' | 'last_at' | 'held_for'> & NoPause = {
  ...{ origin: 'api', owner: null, last_at: null, held_for: null },
  ...{ paused_at: null, paused_by: null, pause_reason: null },
};
type NoPause = Pick<StoredSchedule, 'paused_at' | 'paused_by' | 'pause_reason'>;

function messageOf({ schedule, created, changed }: Put, next: string | undefined, isDryRun: boolean): string {
  const done = created ? 'made' : changed ? 'changed' : null;
  const what =
    done === null
      ? `${schedule.id} has these settings already`
      : `${schedule.id} ${isDryRun ? 'would be' : 'was'} ${done}`;
  if (schedule.state === 'active' && next !== undefined) return `${what}: it runs next at ${next}`;
  return schedule.state === 'active' ? what : `${what}: it is ${schedule.state}`;
}
