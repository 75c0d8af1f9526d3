import { checker } from '../../core/definitions/check.ts';
import { type Detail, ErrandError } from '../../core/errors.ts';
import { settingsProblems } from '../../core/schedules/check.ts';
import { settingsSchema } from '../../core/schedules/settings.ts';
import { timesAfter } from '../../core/schedules/times.ts';
import { timingInWords } from '../../core/schedules/words.ts';
import { readScheduleNow } from '../../store/schedules/read.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer, jsonBody } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { timingBody } from './settings_schema.ts';
import { SHOWN_TIMES, shownTimes } from './shown.ts';

/** The component schema of the answer. */
export const previewScheduleSchemas = {
  SchedulePreview: object('The meaning of a timing', {
    in_words: { type: 'string' },
    next_times: { type: 'array', maxItems: SHOWN_TIMES, items: ref('ScheduleTime') },
  }),
};

/** The operation in the OpenAPI document. */
export function previewSchedulePaths(): Paths {
  return {
    '/v1/schedules/preview': {
      post: {
        tags: ['schedules'],
        operationId: 'previewSchedule',
        summary: 'Say in words what a timing means, and compute its next times',
        description: 'Nothing is stored. The next times are those without the jitter.',
        requestBody: jsonBody(ref('ScheduleTiming'), { cron: '30 2 * * *', timezone: 'Europe/Berlin' }),
        responses: { 200: jsonAnswer('The times', ref('SchedulePreview')), ...failures(400) },
      },
    },
  };
}

const check = checker(timingBody);
/** The checks of settings want a task; no schedule has this one. */
const NOBODY = { task: 'preview.preview', payload: {} };

/** `POST /v1/schedules/preview` (specification K7). */
export const previewSchedule: Operation = async (context, request, response) => {
  const problems = check(request.body, '/body');
  const parsed = settingsSchema.safeParse({ ...request.body, ...NOBODY });
  if (!parsed.success) throw invalid(problems);
  const now = await readScheduleNow(context.reads);
  const settings = parsed.data;
  const ofSettings = settingsProblems(NOBODY.task, settings, now, '/body');
  const told = new Set(ofSettings.map(({ path }) => path));
  const all = [...ofSettings, ...problems.filter(({ path }) => !told.has(path))];
  if (all.length > 0) throw invalid(all);
  response.json({
    in_words: timingInWords(settings),
    next_times: shownTimes(settings, timesAfter(settings, now, SHOWN_TIMES)),
  });
};

function invalid(details: Detail[]): ErrandError {
  return new ErrandError('VALIDATION_FAILED', 'The timing is not valid', { details });
}
