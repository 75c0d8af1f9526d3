import type { AskedTime, ScheduleFacts, ScheduleRun, ScheduleStatus } from './explain_facts.ts';
import { inZone } from './local_time.ts';
import type { ScheduleSettings } from './settings.ts';
import type { SkipReason } from './skip_reasons.ts';
import { latestTimes, nextTime } from './times.ts';

/** An answer: what is so, a sentence, remedies, and the row that says so. */
export type Answer = { status: ScheduleStatus; summary: string; next?: string[]; run?: ScheduleRun };

/** What became, or will become, of a moment. */
export function answerAt(facts: ScheduleFacts, asked: AskedTime): Answer {
  const answer = answerOf(facts, asked.instant);
  const { timezone } = facts.settings;
  const { local } = asked;
  if (local === null || local.kind === 'once') return answer;
  const clocks =
    local.kind === 'twice'
      ? `${local.text} comes twice in ${timezone}; this is about the first, and ${inTheirZone(facts.settings, local.second)} is the second.`
      : `${local.text} does not exist in ${timezone}: the clocks go from ${local.gap?.from} to ${local.gap?.to}.`;
  return { ...answer, summary: `${clocks} ${answer.summary}` };
}

function answerOf(facts: ScheduleFacts, at: Date): Answer {
  return recorded(facts, at) ?? (isTime(facts.settings, at) ? unrecorded(facts, at) : notATime(facts, at));
}

/** The answer from the history, or from the time that waits. */
function recorded(facts: ScheduleFacts, at: Date): Answer | null {
  const { settings, runs, heldFor, openTasks } = facts;
  const time = inTheirZone(settings, at);
  const ran = runs.find((run) => run.outcome === 'submitted' && isSame(run.scheduledFor, at));
  if (ran !== undefined) return { status: 'ran', summary: `${time} ran: ${taskInWords(ran)}.`, run: ran };
  if (heldFor !== null && isSame(heldFor, at)) {
    const open = openTasks.length === 0 ? 'an earlier run' : `task ${openTasks[0]?.id} of an earlier run`;
    return { status: 'held', summary: `${time} waits for ${open} to end (overlap ${settings.overlap}).` };
  }
  const skipped = runs.find(
    (run) => run.outcome === 'skipped' && (isSame(run.scheduledFor, at) || isTime(settings, at)),
  );
  if (skipped === undefined) return null;
  const { why, next } = WHY_SKIPPED[skipped.reason ?? 'missed'](facts, skipped);
  return {
    status: 'skipped',
    summary: `${time} was skipped: ${why}.`,
    next: [...next, `POST /v1/schedules/${facts.id}/backfill submits it now`],
    run: skipped,
  };
}

type Why = { why: string; next: string[] };

const WHY_SKIPPED: Record<SkipReason, (facts: ScheduleFacts, run: ScheduleRun) => Why> = {
  overlap: ({ settings }, { task }) => ({
    why: `${task === null ? 'an earlier run' : `task ${task.id} of an earlier run`} had not ended (overlap ${settings.overlap})`,
    next: ['Set overlap to "queue_one" if the time shall wait for the earlier run to end'],
  }),
  missed: ({ settings }, { at }) => ({
    why: `no runner was up in time; it was found late, at ${at.toISOString()}, and catch_up "${settings.catch_up}" leaves it out`,
    next: settings.catch_up === 'all' ? [] : ['Set catch_up to "all" if every missed time shall run'],
  }),
  paused: () => ({ why: 'the schedule was paused', next: [] }),
  broken: () => ({ why: 'the schedule was broken', next: [] }),
  replaced: () => ({
    why: 'it waited for an earlier run to end, and a newer time took its place',
    next: [],
  }),
};

/** The answer for a time of the schedule that is not in its history. */
function unrecorded(facts: ScheduleFacts, at: Date): Answer {
  const { settings, now, nextAt, createdAt, updatedAt, historySince } = facts;
  const time = inTheirZone(settings, at);
  if (at > now || (nextAt !== null && at >= nextAt)) return open(facts, at);
  if (at <= createdAt)
    return {
      status: 'before_creation',
      summary: `${time} did not run: the schedule was made later, at ${createdAt.toISOString()}.`,
      next: [`POST /v1/schedules/${facts.id}/backfill can submit it now`],
    };
  if (at < historySince)
    return {
      status: 'unrecorded',
      summary: `It is not known whether ${time} ran: records are kept since ${historySince.toISOString()}.`,
      next: ['SCHEDULE_HISTORY_DAYS says how long records are kept'],
    };
  if (at <= updatedAt)
    return {
      status: 'unrecorded',
      summary: `${time} did not run: it became a time of the schedule later, by a change up to ${updatedAt.toISOString()}.`,
    };
  return { status: 'unrecorded', summary: `Nothing is recorded about ${time}.` };
}

/** The answer for a time that nobody has handled yet. */
function open(facts: ScheduleFacts, at: Date): Answer {
  const { id, settings, now, pausedAt, broken, dueAt, nextAt, hasLiveRunner } = facts;
  const time = inTheirZone(settings, at);
  if (broken !== null)
    return {
      status: 'broken',
      summary: `${time} ${at > now ? 'will not run' : 'has not run'}: the schedule is broken: ${broken}.`,
      next: ['Correct the schedule, or deploy a definition that accepts its payload'],
    };
  if (pausedAt !== null)
    return {
      status: 'paused',
      summary: `${time} ${at > now ? 'will not run' : 'has not run'}: ${pauseInWords(facts)}.`,
      next: [`PUT /v1/schedules/${id}/resume`],
    };
  const late = nextAt !== null && isSame(nextAt, at) ? dueAt : at;
  if (late !== null && late > now) {
    const jitter = isSame(late, at) ? '' : `, with its jitter at ${inTheirZone(settings, late)}`;
    return { status: 'scheduled', summary: `${time} is in the future${jitter}.` };
  }
  if (hasLiveRunner)
    return { status: 'due', summary: `${time} is due, and a runner will handle it in about a second.` };
  return {
    status: 'no_runner',
    summary: `${time} is due, and no runner is up to handle it.`,
    next: ['Start a runner. Then catch_up decides about the times that were missed'],
  };
}

function notATime({ settings, id }: ScheduleFacts, at: Date): Answer {
  const before = latestTimes(settings, { after: new Date(0), until: at }, 1)[0];
  const after = nextTime(settings, at);
  const nearest = [
    ...(before === undefined ? [] : [`the one before is ${inTheirZone(settings, before)}`]),
    ...(after === null ? [] : [`the one after is ${inTheirZone(settings, after)}`]),
  ];
  return {
    status: 'not_a_time',
    summary: `${inTheirZone(settings, at)} is not one of the times of ${id}: ${nearest.join(', ') || 'it has none'}.`,
  };
}

/** `it has been paused since … by … because: …`. */
export function pauseInWords({ pausedAt, pausedBy, pauseReason }: ScheduleFacts): string {
  const by = pausedBy === null ? '' : ` by ${pausedBy}`;
  const because = pauseReason === null ? '' : `, because: ${pauseReason}`;
  return `it has been paused since ${pausedAt?.toISOString()}${by}${because}`;
}

/** A moment as the clocks of the schedule's zone show it. */
export function inTheirZone({ timezone }: ScheduleSettings, time: Date | null): string {
  return time === null ? 'none' : inZone(time, timezone);
}

function taskInWords({ task, isBackfill }: ScheduleRun): string {
  const by = isBackfill ? ', submitted by a backfill' : '';
  if (task === null) return `its task is not known${by}`;
  return task.state === null
    ? `task ${task.id}, whose record is gone${by}`
    : `task ${task.id} is ${task.state}${by}`;
}

function isTime(settings: ScheduleSettings, at: Date): boolean {
  return latestTimes(settings, { after: new Date(at.getTime() - 1), until: at }, 1).length > 0;
}

function isSame(one: Date, other: Date): boolean {
  return one.getTime() === other.getTime();
}
