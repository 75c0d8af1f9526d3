import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { detail, got } from '../../core/json/json.ts';
import { inZone } from '../../core/schedules/local_time.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { namespaceOf } from '../../core/task.ts';
import { submitBackfill } from '../../store/schedules/backfill.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer, jsonBody } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { actOf } from '../operators/act.ts';
import { toIsoTime } from '../request.ts';
import {
  type Asked,
  invalidBackfill,
  MAX_TIMES,
  type Outcome,
  type Plan,
  planBackfill,
} from './backfill_plan.ts';
import { changesTooOften, MAX_TRIES, scheduleToChange } from './schedule.ts';
import { scheduleIdParameter } from './schedule_schema.ts';

const time: JsonSchema = { type: 'string', format: 'date-time' };

const bodySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['from', 'to'],
  properties: {
    from: { ...time, description: 'The first moment of the range' },
    to: { ...time, description: 'The last moment of the range, not in the future' },
    dry_run: { type: 'boolean', default: false, description: 'Only answer which times would be submitted' },
    repeat: {
      type: 'boolean',
      default: false,
      description:
        'Submit also times that are older than the recorded history (SCHEDULE_HISTORY_DAYS), though they may have run',
    },
    reason: {
      type: 'string',
      minLength: 1,
      maxLength: 1_000,
      description: 'The reason, for the tasks and the audit trail',
    },
  },
};

/** The component schemas of a backfill. */
export const backfillScheduleSchemas = {
  BackfillAnswer: object('The effect of a backfill', {
    dry_run: { type: 'boolean' },
    times: { type: 'integer', minimum: 0, description: 'How many times of the schedule the range has' },
    submitted: { type: 'integer', minimum: 0, description: 'How many of them this backfill submits' },
    existing: { type: 'integer', minimum: 0, description: 'How many had run before' },
    pending: {
      type: 'integer',
      minimum: 0,
      description: 'How many are due or wait at this moment: the schedule itself handles them',
    },
    tasks: {
      type: 'array',
      maxItems: MAX_TIMES,
      items: ref('BackfillTime'),
      description: 'Each time of the range, oldest first',
    },
    message: { type: 'string' },
  }),
  BackfillTime: object('A time of a backfill', {
    scheduled_for: time,
    local: { type: 'string', description: 'The same in the time zone of the schedule, with the offset' },
    outcome: { type: 'string', enum: ['submitted', 'existing', 'pending'] },
    task_id: {
      type: ['string', 'null'],
      format: 'uuid',
      description: 'The task of the time. Null if there is none yet',
    },
  }),
};

/** The operation in the OpenAPI document. */
export function backfillSchedulePaths(): Paths {
  return {
    '/v1/schedules/{schedule_id}/backfill': {
      post: {
        tags: ['schedules'],
        operationId: 'backfillSchedule',
        summary: 'Submit the times of a schedule in a range that have not run',
        description: `Each time runs once, however often it is asked for. A range has at most ${MAX_TIMES} times. All tasks are submitted at once: overlap is not asked. The range may begin before the schedule was made.`,
        parameters: [scheduleIdParameter],
        requestBody: jsonBody(bodySchema, {
          from: '2026-03-01T00:00:00Z',
          to: '2026-03-02T00:00:00Z',
          dry_run: true,
        }),
        responses: { 200: jsonAnswer('The times', ref('BackfillAnswer')), ...failures(400, 404, 409) },
      },
    },
  };
}

const check = checker(bodySchema);
const askedSchema = z.object({
  from: z.string(),
  to: z.string(),
  dry_run: z.boolean().default(false),
  repeat: z.boolean().default(false),
  reason: z.string().optional(),
});

/** `POST /v1/schedules/{schedule_id}/backfill` (specification K5). */
export const backfillSchedule: Operation = async (context, request, response) => {
  const asked = readBody(scheduleToChange(context, request), request.body);
  context.admit(namespaceOf(asked.id));
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const plan = await planBackfill(context, asked);
    const { schedule, due } = plan;
    if (asked.isDryRun || due.length === 0) return void response.json(answer(plan, asked, new Map()));
    const act = actOf(context, request, asked.reason);
    const submitted = await submitBackfill(context.writes, schedule, due, asked, act);
    // The schedule has changed since it was read: a firing, or another backfill. The times are looked at again.
    if (submitted === null) continue;
    for (const _task of submitted) context.submitted(schedule.task, 'created');
    const tasks = new Map(submitted.map(({ at, taskId }) => [at.getTime(), taskId]));
    return void response.json(answer(plan, asked, tasks));
  }
  throw changesTooOften(asked.id);
};

/** Throws VALIDATION_FAILED for a range that cannot be one. */
function readBody(id: string, body: unknown): Asked {
  const problems = check(body, '/body');
  if (problems.length > 0) throw invalidBackfill(problems);
  const { dry_run: isDryRun, from, to, ...asked } = askedSchema.parse(body);
  const range = { from: new Date(toIsoTime(from, '/body/from')), to: new Date(toIsoTime(to, '/body/to')) };
  if (range.from > range.to) throw invalidBackfill([detail('/body/to', `must not be before from${got(to)}`)]);
  return { ...asked, ...range, id, isDryRun };
}

function answer(
  { schedule, times }: Plan,
  { isDryRun }: Asked,
  tasks: ReadonlyMap<number, string>,
): Record<string, unknown> {
  const count = (outcome: Outcome): number => times.filter((one) => one.outcome === outcome).length;
  const counts = { submitted: count('submitted'), existing: count('existing'), pending: count('pending') };
  return {
    dry_run: isDryRun,
    times: times.length,
    ...counts,
    tasks: times.map(({ at, outcome, taskId }) => ({
      scheduled_for: at.toISOString(),
      local: inZone(at, schedule.settings.timezone),
      outcome,
      task_id: taskId ?? tasks.get(at.getTime()) ?? null,
    })),
    message: messageOf(times.length, counts, isDryRun),
  };
}

function messageOf(
  times: number,
  { submitted, existing, pending }: Record<Outcome, number>,
  isDryRun: boolean,
): string {
  if (times === 0) return 'The range has no time of the schedule';
  return [
    `${submitted} of ${times} times ${isDryRun ? 'would be' : 'were'} submitted`,
    ...(existing === 0 ? [] : [`${existing} had run before`]),
    ...(pending === 0 ? [] : [`${pending} are handled by the schedule itself`]),
  ].join(', ');
}
