import type { AskedTime, ScheduleFacts, ScheduleRun } from './explain_facts.ts';
import { type Answer, answerHeld, answerOpen, inItsZone } from './explain_open.ts';
import { inZone, type LocalTime } from './local_time.ts';
import type { ScheduleSettings } from './settings.ts';
import type { SkipReason } from './skip_reasons.ts';
import { latestTimes, nextTime } from './times.ts';

/** The past or future outcome of a moment. */
export function answerAt(facts: ScheduleFacts, { instant, local }: AskedTime): Answer {
  const answer = recorded(facts, instant) ?? notRecorded(facts, instant);
  const clocks = local === null ? '' : clocksInWords(facts.settings, local);
  return { ...answer, summary: `${clocks}${answer.summary}` };
}

function notRecorded(facts: ScheduleFacts, at: Date): Answer {
  const { settings, nextAt, now } = facts;
  if (!isTime(settings, at)) return answerNoTime(facts, at);
  const isOpen = at > now || (nextAt !== null && at >= nextAt);
  return isOpen ? answerOpen(facts, at) : answerPast(facts, at);
}

/** Says that a local time does not exist or comes twice; empty if it comes once. */
function clocksInWords({ timezone }: ScheduleSettings, { text, kind, gap, second }: LocalTime): string {
  if (gap !== null)
    return `${text} does not exist in ${timezone}, because the clocks go from ${gap.from} to ${gap.to}: a fixed time between them runs right after, at ${gap.to}. `;
  if (kind === 'once' || second === null) return '';
  return `${text} comes twice in ${timezone}, and a fixed time runs the first time. The second is ${inZone(second, timezone)}. `;
}

/** The answer of the history, or of the time that waits; null if they have none. */
function recorded(facts: ScheduleFacts, at: Date): Answer | null {
  const { id, settings, runs, heldFor } = facts;
  const time = inItsZone(settings, at);
  const ran = runs.find((run) => run.outcome === 'submitted' && isSame(run.scheduledFor, at));
  if (ran !== undefined) return { status: 'ran', summary: `${time} ran: ${taskInWords(ran)}.`, run: ran };
  if (heldFor !== null && isSame(heldFor, at)) return answerHeld(facts, at);
  // A range of skipped times has moments between its times.
  const skipped = runs.find(
    (run) => run.outcome === 'skipped' && (isSame(run.scheduledFor, at) || isTime(settings, at)),
  );
  if (skipped === undefined) return null;
  const { why, next } = WHY_SKIPPED[skipped.reason ?? 'missed'](facts, skipped);
  return {
    status: 'skipped',
    summary: `${time} was skipped: ${why}.`,
    next: [...(next === undefined ? [] : [next]), `POST /v1/schedules/${id}/backfill submits it now`],
    run: skipped,
  };
}

type Why = { why: string; next?: string };

const WHY_SKIPPED: Record<SkipReason, (facts: ScheduleFacts, run: ScheduleRun) => Why> = {
  overlap: (_, { task }) => ({
    why: `${task === null ? 'an earlier run' : `task ${task.id} of an earlier run`} had not ended`,
    next: 'With overlap "queue_one", a time waits for the earlier run to end',
  }),
  missed: ({ settings }, { at }) => ({
    why: `nobody handled it in time, and it was too late at ${at.toISOString()} for catch_up "${settings.catch_up}"`,
    ...(settings.catch_up === 'all' ? {} : { next: 'With catch_up "all", every missed time runs' }),
  }),
  paused: () => ({ why: 'the schedule was paused' }),
  broken: () => ({ why: 'the schedule was broken' }),
  replaced: () => ({ why: 'it waited for an earlier run to end, and a newer time took its place' }),
};

/** `task 0190… is failed`. */
function taskInWords({ task, isBackfill }: ScheduleRun): string {
  const by = isBackfill ? ', by a backfill' : '';
  if (task === null) return `its task is not known${by}`;
  return `task ${task.id}${task.state === null ? ', whose record is gone' : ` is ${task.state}`}${by}`;
}

/** The answer for a past time of the schedule that is not in its history. */
function answerPast(facts: ScheduleFacts, at: Date): Answer {
  const { id, settings, createdAt, updatedAt, historySince } = facts;
  const time = inItsZone(settings, at);
  const next = [`POST /v1/schedules/${id}/backfill submits it now`];
  if (at <= createdAt) {
    const summary = `${time} did not run: the schedule was made later, at ${createdAt.toISOString()}.`;
    return { status: 'before_creation', summary, next };
  }
  if (at < historySince) {
    const summary = `It is not known whether ${time} ran: the history begins at ${historySince.toISOString()}.`;
    return { status: 'unrecorded', summary, next: ['SCHEDULE_HISTORY_DAYS says how long it is kept'] };
  }
  if (at <= updatedAt) {
    const summary = `${time} did not run: it has been one of the times only since a change, up to ${updatedAt.toISOString()}.`;
    return { status: 'unrecorded', summary, next };
  }
  return { status: 'unrecorded', summary: `Nothing is recorded about ${time}.`, next };
}

function answerNoTime({ settings, id }: ScheduleFacts, at: Date): Answer {
  const [before] = latestTimes(settings, { after: new Date(0), until: at }, 1);
  const after = nextTime(settings, at);
  const nearest = [
    ...(before === undefined ? [] : [`the one before is ${inItsZone(settings, before)}`]),
    ...(after === null ? [] : [`the one after is ${inItsZone(settings, after)}`]),
  ].join(', ');
  const summary = `${inItsZone(settings, at)} is not one of the times of ${id}: ${nearest}.`;
  return { status: 'not_a_time', summary };
}

function isTime(settings: ScheduleSettings, at: Date): boolean {
  return latestTimes(settings, { after: new Date(at.getTime() - 1), until: at }, 1).length > 0;
}

function isSame(one: Date, other: Date): boolean {
  return one.getTime() === other.getTime();
}
