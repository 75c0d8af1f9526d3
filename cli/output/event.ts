import type { TaskEvent } from '../../client/index.ts';
import { paint, paintWord } from './paint.ts';
import { toOneLine } from './plain.ts';
import { toClock, toPercent } from './words.ts';

/** A change of a task for people, with the time at which it was seen. */
export function eventText(event: TaskEvent): string {
  const { state, attempt, maxAttempts, progress, progressNote, error, cancelRequestedAt, finishedAt } = event;
  const parts = [
    `attempt ${attempt}/${maxAttempts}`,
    progress === null ? '' : `${toPercent(progress)} ${progressNote ?? ''}`,
    cancelRequestedAt !== null && finishedAt === null ? 'asked to cancel' : '',
    error === null || state === 'succeeded' || state === 'running' ? '' : error.message,
  ];
  const shown = parts.map(toOneLine).filter((part) => part !== '');
  return `${paint('dim', toClock(new Date().toISOString()))} ${paintWord(state.padEnd(9))} ${shown.join('  ')}`;
}
