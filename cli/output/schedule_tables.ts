import type { BackfilledTime, ScheduleRun, ScheduleSummary } from '../schedules/answers.ts';
import { paintWord } from './paint.ts';
import type { Column } from './table.ts';
import { ageOf, toCount, toLocalTime } from './words.ts';

/** The columns of a list of schedules. Ids are never cut, because people copy them. */
export const SCHEDULES: readonly Column<ScheduleSummary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'STATE', cell: ({ state }) => state, paint: paintWord },
  { head: 'NEXT', cell: ({ next_at }) => ageOf(next_at), align: 'right' },
  { head: 'LAST', cell: ({ last_at }) => ageOf(last_at), align: 'right', dropOrder: 2 },
  { head: 'WHEN', cell: ({ in_words }) => in_words, min: 20 },
  { head: 'TASK', cell: ({ task }) => task, min: 12, dropOrder: 3 },
  { head: 'FROM', cell: ({ origin }) => origin, dropOrder: 4 },
  { head: 'NOTE', cell: noteOf, min: 16, dropOrder: 1 },
];

/** The words that matter about a schedule in its state. */
function noteOf({ broken, paused, held_for }: ScheduleSummary): string {
  if (broken !== null) return broken.message;
  if (paused !== null)
    return `by ${paused.actor ?? 'somebody'}${paused.reason === null ? '' : `: ${paused.reason}`}`;
  return held_for === null ? '' : 'waits for the end of a run';
}

/** The columns of a history. */
export const RUNS: readonly Column<ScheduleRun>[] = [
  { head: 'TIME', cell: timeOf },
  { head: 'TIMES', cell: ({ times }) => (times === null ? 'many' : toCount(times)), align: 'right' },
  {
    head: 'OUTCOME',
    cell: ({ outcome, cause, reason }) =>
      reason === null ? `${outcome}${cause === 'time' ? '' : ` (${cause})`}` : `${outcome}: ${reason}`,
  },
  { head: 'TASK', cell: ({ task }) => task?.id ?? '-' },
  { head: 'STATE', cell: ({ task }) => (task === null ? '-' : (task.state ?? 'gone')), paint: paintWord },
  { head: 'MESSAGE', cell: ({ message }) => message, min: 16, dropOrder: 1 },
];

/** The columns of the times of a backfill. */
export const BACKFILLED: readonly Column<BackfilledTime>[] = [
  { head: 'TIME', cell: ({ local }) => local },
  { head: 'OUTCOME', cell: ({ outcome }) => outcome },
  { head: 'TASK', cell: ({ task_id }) => task_id ?? '-' },
];

function timeOf({ scheduled_for, until }: ScheduleRun): string {
  return until === null
    ? toLocalTime(scheduled_for)
    : `${toLocalTime(scheduled_for)} to ${toLocalTime(until)}`;
}
