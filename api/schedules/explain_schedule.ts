import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { detail, got } from '../../core/json/json.ts';
import { isComputable } from '../../core/schedules/computable.ts';
import { explainSchedule as explain } from '../../core/schedules/explain.ts';
import {
  type AskedTime,
  type ScheduleRun as RunFact,
  SCHEDULE_STATUSES,
  type ScheduleExplanation,
  type ScheduleFacts,
} from '../../core/schedules/explain_facts.ts';
import { readLocalTime } from '../../core/schedules/local_time.ts';
import { SKIP_REASONS } from '../../core/schedules/skip_reasons.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { readStanding, type ScheduleStanding } from '../../store/schedules/facts.ts';
import type { StoredSchedule } from '../../store/schedules/read.ts';
import { listRuns, readRunsOf, type ScheduleRun } from '../../store/schedules/runs.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { inQuery, textUpTo } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { scheduleNotFound, scheduleToRead } from './schedule.ts';
import { scheduleIdParameter } from './schedule_schema.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const orNull = (name: string, description: string): JsonSchema => ({
  anyOf: [ref(name), { type: 'null' }],
  description,
});

/** The component schemas of the explanation of a schedule. */
export const explainScheduleSchemas = {
  ScheduleExplanation: object('Why a schedule ran or did not run at a time, or what it does now', {
    id: text,
    status: {
      type: 'string',
      enum: [...SCHEDULE_STATUSES],
      description:
        '`due`: it is handled within about a second. `no_runner`: it is due, and no runner is up. `held`: it waits for an earlier run to end. `unrecorded`: nothing is known',
    },
    summary: { ...text, description: 'The answer in words' },
    next_steps: { type: 'array', items: text, description: 'Possible remedies' },
    in_words: { ...text, description: 'The timing in words' },
    asked: orNull('ScheduleAsked', 'The moment that was asked about. Null: the present state'),
    run: orNull('ScheduleRunFact', 'The entry of the history that decides. Null if there is none'),
    nearest: object('The nearest times of the schedule', {
      before: orNull('ScheduleTime', 'Before the moment'),
      after: orNull('ScheduleTime', 'After the moment'),
    }),
    open_tasks: {
      type: 'array',
      items: ref('ScheduleTask'),
      description: 'Its oldest tasks that have not finished, at most five',
    },
    next: orNull('ScheduleNext', 'The first time that is not handled yet'),
    held_for: orNull('ScheduleTime', 'A time that waits for the end of an earlier run'),
    explained_at: { ...time, description: "The time of the explanation, by Postgres's clock" },
  }),
  ScheduleAsked: object('The moment that was asked about', {
    at: { ...time, description: 'Of a local time that the clocks skip: the end of the gap' },
    local: text,
    clock: {
      type: 'string',
      enum: ['once', 'twice', 'never'],
      description: 'How often the clocks of the zone show a local time on that day',
    },
    second: orNull('ScheduleTime', 'The second instant of a local time that comes twice'),
  }),
  ScheduleNext: object('The first time that is not handled yet', {
    at: time,
    local: text,
    due_at: {
      ...nullableTime,
      description: 'When it is handled, with its jitter. Null while it is paused or broken',
    },
  }),
  ScheduleRunFact: object('An entry of the history', {
    scheduled_for: time,
    until: nullableTime,
    times: { type: ['integer', 'null'], minimum: 1 },
    outcome: { type: 'string', enum: ['submitted', 'skipped'] },
    reason: { type: ['string', 'null'], enum: [...SKIP_REASONS, null] },
    task: orNull('ScheduleTask', 'The submitted task; for `overlap` the task of the earlier run'),
    is_backfill: { type: 'boolean' },
    recorded_at: time,
  }),
};

/** The operation in the OpenAPI document. */
export function explainSchedulePaths(): Paths {
  return {
    '/v1/schedules/{schedule_id}/explain': {
      get: {
        tags: ['schedules'],
        operationId: 'explainSchedule',
        summary: 'Explain why a schedule ran or did not run at a time',
        parameters: [
          scheduleIdParameter,
          inQuery(
            'at',
            textUpTo(64),
            'The time: ISO 8601 with its offset, or without one in the time zone of the schedule, such as 2026-03-29T02:30. Without it, the present state is explained',
          ),
        ],
        responses: {
          200: jsonAnswer('The explanation', ref('ScheduleExplanation')),
          ...failures(400, 404),
        },
      },
    },
  };
}

const querySchema = z.object({ at: z.string().optional() });

/** Entries of the history that are looked at for the present state. */
const NEWEST_RUNS = 10;

/** `GET /v1/schedules/{schedule_id}/explain` (specification K7). */
export const explainSchedule: Operation = async (context, request, response) => {
  const id = scheduleToRead(context, request);
  const { at } = parseQuery(querySchema, request);
  const standing = await readStanding(context.reads, id);
  const { schedule } = standing;
  if (schedule === null) throw scheduleNotFound(id);
  if (!isComputable(schedule.settings)) return void response.json(uncomputable({ ...standing, schedule }));
  const asked = at === undefined ? null : readAsked(at, schedule.settings.timezone);
  const runs =
    asked === null
      ? (await listRuns(context.reads, id, {}, { size: NEWEST_RUNS })).runs
      : await readRunsOf(context.reads, id, asked.instant);
  response.json(explain(factsOf(context, { ...standing, schedule }, asked, runs)));
};

/** The answer for a timing that cannot be computed here. */
function uncomputable({
  now,
  schedule,
  openTasks,
}: ScheduleStanding & { schedule: StoredSchedule }): ScheduleExplanation {
  const { id, broken, settings } = schedule;
  return {
    ...{ id, status: 'broken', asked: null, run: null, next: null, held_for: null },
    summary: `${id} does not run: ${broken ?? 'its times cannot be computed'}.`,
    next_steps: ['Correct its timing'],
    in_words: settings.cron ?? 'its timing cannot be read',
    nearest: { before: null, after: null },
    open_tasks: openTasks,
    explained_at: now.toISOString(),
  };
}

const withOffset = z.iso.datetime({ offset: true });

/** Throws VALIDATION_FAILED for a text that is no time. */
function readAsked(at: string, timezone: string): AskedTime {
  const local = readLocalTime(at, timezone);
  if (local !== null) return { instant: local.instant, local };
  const instant = new Date(at);
  const year = instant.getUTCFullYear();
  if (withOffset.safeParse(at).success && year >= 1970 && year <= 9999) return { instant, local: null };
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      detail(
        '/query/at',
        `must be a time from 1970 to 9999 such as 2026-03-29T02:30:00Z, or 2026-03-29T02:30 in ${timezone}${got(at)}`,
      ),
    ],
  });
}

function factsOf(
  { scheduleHistoryDays }: RequestContext,
  { now, schedule, hasLiveRunner, openTasks }: ScheduleStanding & { schedule: StoredSchedule },
  asked: AskedTime | null,
  runs: readonly ScheduleRun[],
): ScheduleFacts {
  return {
    ...{ now, id: schedule.id, settings: schedule.settings, asked, hasLiveRunner, openTasks },
    createdAt: new Date(schedule.created_at),
    updatedAt: new Date(schedule.updated_at),
    lastAt: dateOf(schedule.last_at),
    nextAt: dateOf(schedule.next_at),
    dueAt: dateOf(schedule.due_at),
    heldFor: dateOf(schedule.held_for),
    pausedAt: dateOf(schedule.paused_at),
    pausedBy: schedule.paused_by,
    pauseReason: schedule.pause_reason,
    broken: schedule.broken,
    brokenAt: dateOf(schedule.broken_at),
    runs: runs.map(runOf),
    historySince: new Date(now.getTime() - scheduleHistoryDays * 86_400_000),
  };
}

function runOf({ scheduled_for, until, times, outcome, reason, task, cause, at }: ScheduleRun): RunFact {
  return {
    ...{ times, outcome, reason, task },
    scheduledFor: new Date(scheduled_for),
    until: dateOf(until),
    isBackfill: cause === 'backfill',
    at: new Date(at),
  };
}

function dateOf(time: string | null): Date | null {
  return time === null ? null : new Date(time);
}
