import type { ScheduleExplanation, ScheduleRecord, ScheduleTime } from '../schedules/answers.ts';
import type { Session } from '../session.ts';
import { inCommands } from './in_commands.ts';
import { paint, paintWord } from './paint.ts';
import { toInertJson, toOneLine } from './plain.ts';
import { printFields } from './record.ts';
import { RUNS } from './schedule_tables.ts';
import { ageOf, toCount, toMoment } from './words.ts';

/** Prints a schedule for people. */
export function printSchedule(session: Session, schedule: ScheduleRecord): void {
  const { settings, paused, broken, held_for } = schedule;
  printFields(session, [
    ['Schedule', schedule.id],
    ['Task', toOneLine(schedule.task)],
    ['When', toOneLine(schedule.in_words)],
    ['State', paintWord(schedule.state)],
    ['Paused', paused === null ? undefined : pausedText(paused)],
    ['Broken', broken === null ? undefined : paint('red', toOneLine(broken.message))],
    ['Description', settings.description === null ? undefined : toOneLine(settings.description)],
    [
      'From',
      `${schedule.origin}${schedule.owner === null ? '' : ` (${toOneLine(schedule.owner)})`}, ${toMoment(schedule.created_at)}`,
    ],
    ['If missed', settings.catch_up],
    ['If it overlaps', settings.overlap],
    ['Held', held_for === null ? undefined : `${toMoment(held_for)}, until the run before it ends`],
    ['Handled', schedule.last_at === null ? undefined : `up to ${toMoment(schedule.last_at)}`],
    ['Tags', settings.tags.length === 0 ? undefined : toOneLine(settings.tags.join(', '))],
    ['Skipped', skippedText(schedule.skipped)],
  ]);
  session.print(`\n${paint('bold', 'Payload')}`);
  session.print(toInertJson(JSON.stringify(settings.payload, null, 2)).replaceAll(/^/gm, '  '));
  printTimes(session, schedule.next_times);
  if (schedule.last_runs.length === 0) return;
  session.print(`\n${paint('bold', 'Last runs')}`);
  session.table(RUNS, schedule.last_runs);
}

function pausedText({ at, actor, reason }: NonNullable<ScheduleRecord['paused']>): string {
  const who = actor === null ? '' : ` by ${toOneLine(actor)}`;
  return `${toMoment(at)}${who}${reason === null ? '' : `: ${toOneLine(reason)}`}`;
}

function skippedText(skipped: ScheduleRecord['skipped']): string | undefined {
  const parts = Object.entries(skipped).filter(([, times]) => times > 0);
  if (parts.length === 0) return undefined;
  return parts.map(([reason, times]) => `${toCount(times)} ${reason}`).join(', ');
}

/** Prints the next times of a schedule, each in its zone. */
export function printTimes(session: Session, times: readonly ScheduleTime[]): void {
  if (times.length === 0) return;
  session.print(`\n${paint('bold', 'Next times')}`);
  session.table(
    [
      { head: 'IN ITS ZONE', cell: ({ local }: ScheduleTime) => local },
      { head: 'UTC', cell: ({ at }) => at },
      { head: 'IN', cell: ({ at }) => ageOf(at).replace('+', ''), align: 'right' },
    ],
    times,
  );
}

/** Prints for people why a schedule ran or did not run. */
export function printScheduleExplanation(session: Session, explanation: ScheduleExplanation): void {
  const { run, nearest, next, held_for, open_tasks } = explanation;
  session.print(paint('bold', toOneLine(inCommands(explanation.summary))));
  for (const step of explanation.next_steps)
    session.print(`${paint('cyan', '→')} ${toOneLine(inCommands(step))}`);
  session.print('');
  const task = run?.task;
  printFields(session, [
    ['Schedule', toOneLine(explanation.id)],
    ['When', toOneLine(explanation.in_words)],
    ['Status', paintWord(explanation.status)],
    ['Task', task == null ? undefined : `${task.id}  ${paintWord(task.state ?? 'gone')}`],
    ['Time before', nearest.before?.local],
    ['Time after', nearest.after?.local],
    ['Next', next?.local],
    ['Held', held_for?.local],
    ['Open tasks', open_tasks.length === 0 ? undefined : open_tasks.map(({ id }) => id).join(', ')],
  ]);
}
