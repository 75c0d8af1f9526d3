import type { TaskSummary } from '../../client/index.ts';
import { paintWord } from './paint.ts';
import type { Column } from './table.ts';
import { ageOf, toAge, toPercent } from './words.ts';

/** The columns of a list of tasks. Ids are never cut, because people copy them. */
export const TASKS: readonly Column<TaskSummary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'NAME', cell: ({ name }) => name, min: 12 },
  { head: 'STATE', cell: ({ state }) => state, paint: paintWord },
  { head: 'TRY', cell: ({ attempt, maxAttempts }) => `${attempt}/${maxAttempts}`, align: 'right' },
  { head: 'AGE', cell: ({ createdAt }) => ageOf(createdAt), align: 'right' },
  { head: 'TOOK', cell: tookOf, align: 'right', dropOrder: 2 },
  { head: 'NOTE', cell: noteOf, min: 16, dropOrder: 1 },
  { head: 'TAGS', cell: ({ tags }) => tags.join(','), min: 8, dropOrder: 3 },
];

function tookOf({ startedAt, finishedAt }: TaskSummary): string {
  if (startedAt === null) return '-';
  return toAge((finishedAt === null ? Date.now() : Date.parse(finishedAt)) - Date.parse(startedAt));
}

/** The words that matter about a task in its state. */
function noteOf({ state, runAt, progress, progressNote, error, skipped }: TaskSummary): string {
  const due = Date.parse(runAt) - Date.now();
  if ((state === 'scheduled' || state === 'retrying') && due > 0)
    return `due in ${toAge(due)}${error === null ? '' : `: ${error.message}`}`;
  if (state === 'running' && progress !== null) return `${toPercent(progress)} ${progressNote ?? ''}`;
  if (skipped) return 'skipped';
  return state === 'succeeded' ? '' : (error?.message ?? '');
}
