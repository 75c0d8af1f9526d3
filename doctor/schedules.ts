import type { ScheduleFacts } from '../store/doctor/schedule_facts.ts';
import { duration, error, type Finding, ok, some, warning } from './finding.ts';

/** Judges schedules. `live` is the number of live runners. Gives nothing if all is well. */
export function judgeSchedules(facts: ScheduleFacts, live: number): Finding[] {
  return [
    ...judgeOverdue(facts.overdue, live),
    ...facts.broken.map(({ id, seconds, why }) =>
      error('schedule_broken', {
        subject: id,
        message: `The schedule ${id} has been broken for ${duration(seconds)} and submits nothing: ${why}`,
        remedy: `Change the schedule (\`errand schedules set ${id}\`, or its file), or deploy a definition that accepts it`,
      }),
    ),
    ...judgeTasks(facts.withoutRunner, live),
    ...facts.paused.map(({ id, actor, reason, seconds }) =>
      ok(
        'schedule_paused',
        `The schedule ${id} has been paused for ${duration(seconds)}${actor === null ? '' : ` by ${actor}`}${reason === null ? '' : `, because: ${reason}`}. If nobody needs it any more, delete it`,
        id,
      ),
    ),
  ];
}

function judgeOverdue({ schedules, oldestSecs, ids }: ScheduleFacts['overdue'], live: number): Finding[] {
  if (schedules === 0) return [];
  return [
    error('schedules_overdue', {
      message: `The times of ${schedules} schedules have been due for up to ${duration(oldestSecs ?? 0)}, and no runner has handled them: ${some(ids)}`,
      remedy:
        live === 0
          ? 'Start a runner: missed times follow the catch_up of their schedule'
          : 'Look at the logs of the runners for "schedules"',
    }),
  ];
}

/** Their tasks would wait. Without any runner, another finding says so. */
function judgeTasks(tasks: ScheduleFacts['withoutRunner'], live: number): Finding[] {
  if (live === 0) return [];
  return tasks.map(({ task, ids, schedules }) =>
    warning('schedule_without_runner', {
      subject: task,
      message: `No live runner has the task ${task} of ${schedules === 1 ? `the schedule ${ids[0]}` : `${schedules} schedules (${some(ids)})`}: what it submits will wait`,
      remedy: `Start the runner whose code has ${task}. If the task was removed or renamed, change or delete the schedule`,
    }),
  );
}
