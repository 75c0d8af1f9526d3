import { removeSchedule } from '../../store/schedules/change.ts';
import { readSchedule } from '../../store/schedules/read.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { object } from '../openapi/schemas/schemas.ts';
import { actOf, reasonParameter } from '../operators/act.ts';
import { requireOfApi, scheduleNotFound, scheduleToChange } from './schedule.ts';
import { scheduleIdParameter } from './schedule_schema.ts';

const answerSchema = object('The schedule that was removed', {
  id: { type: 'string' },
  message: { type: 'string' },
});

/** The operation in the OpenAPI document. */
export function deleteSchedulePaths(): Paths {
  return {
    '/v1/schedules/{schedule_id}': {
      delete: {
        tags: ['schedules'],
        operationId: 'deleteSchedule',
        summary: 'Remove a schedule',
        description:
          'Its tasks and its history stay. If it is made again, it goes on with the first time after that moment. One in code can be removed when no runner has it any more.',
        parameters: [scheduleIdParameter, reasonParameter],
        responses: { 200: jsonAnswer('Removed', answerSchema), ...failures(404, 409) },
      },
    },
  };
}

/** `DELETE /v1/schedules/{schedule_id}` (specification K1). Files of a repository remove theirs themselves. */
export const deleteSchedule: Operation = async (context, request, response) => {
  const id = scheduleToChange(context, request);
  if (!(await removeSchedule(context.writes, id, actOf(context, request)))) {
    const { schedule } = await readSchedule(context.writes, id);
    if (schedule === null) throw scheduleNotFound(id);
    requireOfApi(schedule);
  }
  response.json({ id, message: `${id} was removed: its tasks and its history stay` });
};
