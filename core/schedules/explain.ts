import { answerAt } from './explain_answers.ts';
import type { ScheduleExplanation, ScheduleFacts, ScheduleRun, TimeText } from './explain_facts.ts';
import { answerNow } from './explain_open.ts';
import { inZone } from './local_time.ts';
import { latestTimes, nextTime } from './times.ts';
import { timingInWords } from './words.ts';

/** Explains from the facts why a schedule ran or did not run at a moment, or what its state is now. */
export function explainSchedule(facts: ScheduleFacts): ScheduleExplanation {
  const { asked, settings, now } = facts;
  const { status, summary, next, run } = asked === null ? answerNow(facts) : answerAt(facts, asked);
  const moment = asked?.instant ?? now;
  const text = (time: Date | null | undefined): TimeText | null =>
    time ? { at: time.toISOString(), local: inZone(time, settings.timezone) } : null;
  const nextText = text(facts.nextAt);
  const askedText = text(asked?.instant);
  return {
    id: facts.id,
    status,
    summary,
    next_steps: next ?? [],
    in_words: timingInWords(settings),
    asked: askedText && {
      ...askedText,
      clock: asked?.local?.kind ?? 'once',
      second: text(asked?.local?.second),
    },
    run: run ? runText(run) : null,
    nearest: {
      before: text(
        latestTimes(settings, { after: new Date(0), until: new Date(moment.getTime() - 1) }, 1)[0],
      ),
      after: text(nextTime(settings, moment)),
    },
    open_tasks: [...facts.openTasks],
    next: nextText && { ...nextText, due_at: facts.dueAt?.toISOString() ?? null },
    held_for: text(facts.heldFor),
    explained_at: now.toISOString(),
  };
}

function runText(run: ScheduleRun): NonNullable<ScheduleExplanation['run']> {
  return {
    scheduled_for: run.scheduledFor.toISOString(),
    until: run.until?.toISOString() ?? null,
    times: run.times,
    outcome: run.outcome,
    reason: run.reason,
    task: run.task,
    is_backfill: run.isBackfill,
    recorded_at: run.at.toISOString(),
  };
}
