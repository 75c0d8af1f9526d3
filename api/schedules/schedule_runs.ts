import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { detail, got } from '../../core/json/json.ts';
import { SKIP_REASONS } from '../../core/schedules/skip_reasons.ts';
import { inWords } from '../../core/states.ts';
import { readSchedule } from '../../store/schedules/read.ts';
import { listRuns, type RunPlace, type ScheduleRun } from '../../store/schedules/runs.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import {
  DEFAULT_PAGE_SIZE,
  inQuery,
  MAX_PAGE_SIZE,
  type Parameter,
  textUpTo,
  timeOfQuery,
} from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery, toIsoTime } from '../request.ts';
import { scheduleNotFound, scheduleToRead } from './schedule.ts';
import { scheduleIdParameter } from './schedule_schema.ts';
import { localOf } from './shown.ts';

/** The component schema of a page of the history. */
export const scheduleRunSchemas = {
  ScheduleRunList: object('One page of the history of a schedule, newest time first', {
    runs: { type: 'array', items: ref('ScheduleRun') },
    next_cursor: {
      type: ['string', 'null'],
      description: 'The cursor of the next page. Null on the last page',
    },
  }),
};

const parameters: Parameter[] = [
  scheduleIdParameter,
  inQuery('outcome', { type: 'string', enum: ['submitted', 'skipped'] }, 'Only times with this outcome'),
  inQuery(
    'reason',
    { type: 'string', enum: [...SKIP_REASONS] },
    'Only times that were skipped for this reason',
  ),
  inQuery('from', timeOfQuery, 'Times at or after this one'),
  inQuery('to', timeOfQuery, 'Times before this one'),
  inQuery(
    'page_size',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    'Entries of the history per page',
  ),
  inQuery('cursor', textUpTo(100), 'next_cursor of the page before'),
];

/** The operation in the OpenAPI document. */
export function scheduleRunsPaths(): Paths {
  return {
    '/v1/schedules/{schedule_id}/runs': {
      get: {
        tags: ['schedules'],
        operationId: 'listScheduleRuns',
        summary: 'The outcome of the times of a schedule, newest first',
        description:
          'Each time is an entry. Times that were missed or paused in a row are one entry. A time that waits or is still to come is not in the history. Entries are kept for SCHEDULE_HISTORY_DAYS.',
        parameters,
        responses: { 200: jsonAnswer('A page of the history', ref('ScheduleRunList')), ...failures(404) },
      },
    },
  };
}

const querySchema = z.object({
  outcome: z.enum(['submitted', 'skipped']).optional(),
  reason: z.enum(SKIP_REASONS).optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  page_size: z.int(),
  cursor: z.string().optional(),
});

/** `GET /v1/schedules/{schedule_id}/runs` (specification K7). The history of a removed schedule stays for a while. */
export const scheduleRuns: Operation = async (context, request, response) => {
  const id = scheduleToRead(context, request);
  const query = parseQuery(querySchema, request);
  const time = (key: 'from' | 'to'): string | undefined =>
    query[key] === undefined ? undefined : toIsoTime(query[key], `/query/${key}`);
  const filter = { outcome: query.outcome, reason: query.reason, from: time('from'), to: time('to') };
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const [{ schedule }, { runs, next }] = await Promise.all([
    readSchedule(context.reads, id),
    listRuns(context.reads, id, filter, { after, size: query.page_size }),
  ]);
  if (schedule === null && runs.length === 0) throw scheduleNotFound(id);
  response.json({
    runs: runs.map((run) => shownRun(run, schedule?.settings.timezone ?? 'UTC')),
    next_cursor: next === null ? null : encodeCursor(next),
  });
};

/** An entry of the history with its words. */
export function shownRun(run: ScheduleRun, timezone: string): ScheduleRun & { message: string } {
  return { ...run, message: messageOf(run, timezone) };
}

function messageOf(run: ScheduleRun, timezone: string): string {
  const at = localOf(new Date(run.scheduled_for), timezone);
  if (run.outcome === 'skipped') return `${timesInWords(run, at, timezone)} skipped: ${whyInWords(run)}`;
  const by = { time: '', backfill: ' by a backfill', trigger: ' by hand' }[run.cause];
  const state = run.task?.state ?? null;
  return `${at} was submitted${by}: its task ${state === null ? 'was removed' : inWords(state)}`;
}

function timesInWords({ until, times }: ScheduleRun, at: string, timezone: string): string {
  if (until === null || times === 1) return `${at} was`;
  return `${times ?? 'More than 1,000'} times from ${at} to ${localOf(new Date(until), timezone)} were`;
}

function whyInWords({ reason, task }: ScheduleRun): string {
  if (reason === 'overlap') return `task ${task?.id ?? 'of an earlier run'} had not ended`;
  if (reason === 'missed') return 'no runner was up in time, and the catch-up leaves it out';
  if (reason === 'replaced') return 'it waited for an earlier run to end, and a newer time took its place';
  return `the schedule was ${reason}`;
}

/** A cursor is a place in the history. It is opaque, so that its form may change. */
function encodeCursor({ scheduledFor, outcome }: RunPlace): string {
  return Buffer.from(`${scheduledFor} ${outcome}`).toString('base64url');
}

const PLACE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (submitted|skipped)$/;

function decodeCursor(cursor: string): RunPlace {
  const [, scheduledFor = '', outcome = ''] = PLACE.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const isTime = !Number.isNaN(Date.parse(scheduledFor));
  if (isTime && encodeCursor({ scheduledFor, outcome }) === cursor) return { scheduledFor, outcome };
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      detail(
        '/query/cursor',
        `is not a cursor of this API: use next_cursor of the previous page${got(cursor)}`,
      ),
    ],
  });
}
