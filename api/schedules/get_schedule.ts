import { SKIP_REASONS } from '../../core/schedules/skip_reasons.ts';
import { readSchedule } from '../../store/schedules/read.ts';
import { countSkipped, listRuns } from '../../store/schedules/runs.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { scheduleNotFound, scheduleToRead } from './schedule.ts';
import { shownRun } from './schedule_runs.ts';
import { scheduleIdParameter } from './schedule_schema.ts';
import { toSchedule } from './shown.ts';

/** How many entries of its history a schedule shows. */
const SHOWN_RUNS = 10;

/** The operation in the OpenAPI document. */
export function getSchedulePaths(): Paths {
  return {
    '/v1/schedules/{schedule_id}': {
      get: {
        tags: ['schedules'],
        operationId: 'getSchedule',
        summary: 'Read a schedule with its next times and its newest history',
        parameters: [scheduleIdParameter],
        responses: { 200: jsonAnswer('The schedule', ref('ScheduleRecord')), ...failures(404) },
      },
    },
  };
}

const NOTHING_SKIPPED = Object.fromEntries(SKIP_REASONS.map((reason) => [reason, 0]));

/** `GET /v1/schedules/{schedule_id}` (specification K7). */
export const getSchedule: Operation = async (context, request, response) => {
  const id = scheduleToRead(context, request);
  const [{ now, schedule }, { runs }, skipped] = await Promise.all([
    readSchedule(context.reads, id),
    listRuns(context.reads, id, {}, { size: SHOWN_RUNS }),
    countSkipped(context.reads, id),
  ]);
  if (schedule === null) throw scheduleNotFound(id);
  response.json({
    ...toSchedule({ now, schedule }),
    last_runs: runs.map((run) => shownRun(run, schedule.settings.timezone)),
    skipped: { ...NOTHING_SKIPPED, ...skipped },
  });
};
