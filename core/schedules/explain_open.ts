import type { ScheduleFacts, ScheduleRun, ScheduleStatus } from './explain_facts.ts';
import { inZone } from './local_time.ts';
import type { ScheduleSettings } from './settings.ts';

/** An answer: what is so, in a word and in a sentence, remedies, and the row that says so. */
export type Answer = { status: ScheduleStatus; summary: string; next?: string[]; run?: ScheduleRun };

/** The present state of the schedule. */
export function answerNow(facts: ScheduleFacts): Answer {
  const { id, heldFor, nextAt } = facts;
  const stop = stopOf(facts);
  if (stop !== null) return { ...stop, summary: `${id} submits nothing: ${stop.why}.` };
  if (heldFor !== null) return answerHeld(facts, heldFor);
  if (nextAt === null) return { status: 'ended', summary: `${id} has had its last time.` };
  return answerOpen(facts, nextAt);
}

/** The future of a time that nobody has handled yet. */
export function answerOpen(facts: ScheduleFacts, at: Date): Answer {
  const { settings, now, nextAt, dueAt, hasLiveRunner } = facts;
  const time = inItsZone(settings, at);
  const stop = stopOf(facts);
  if (stop !== null)
    return { ...stop, summary: `${time} ${at > now ? 'will not run' : 'has not run'}: ${stop.why}.` };
  const due = nextAt?.getTime() === at.getTime() && dueAt !== null ? dueAt : at;
  if (due > now) {
    const jitter = due > at ? `, with its jitter at ${inItsZone(settings, due)}` : '';
    return { status: 'scheduled', summary: `${time} will run${jitter}.` };
  }
  if (hasLiveRunner)
    return { status: 'due', summary: `${time} is due: a runner handles it within about a second.` };
  return {
    status: 'no_runner',
    summary: `${time} is due, but no runner is up to handle it.`,
    next: ['Start a runner: catch_up then decides which of the missed times run'],
  };
}

/** A time that waits for the end of an earlier run. */
export function answerHeld({ settings, openTasks: [open] }: ScheduleFacts, at: Date): Answer {
  const earlier = open === undefined ? 'an earlier run' : `task ${open.id} of an earlier run`;
  const summary = `${inItsZone(settings, at)} waits for ${earlier} to end (overlap ${settings.overlap}).`;
  return { status: 'held', summary };
}

/** A moment as the clocks of the schedule's zone show it. */
export function inItsZone({ timezone }: ScheduleSettings, time: Date): string {
  return inZone(time, timezone);
}

type Stop = { status: ScheduleStatus; why: string; next: string[] };

/** The reason why no time of the schedule runs. */
function stopOf(facts: ScheduleFacts): Stop | null {
  const { id, broken, brokenAt, pausedAt, pausedBy, pauseReason } = facts;
  if (broken !== null)
    return {
      status: 'broken',
      why: `the schedule is broken${since(brokenAt)}: ${broken}`,
      next: ['Correct the schedule, or deploy a definition of its task that accepts its payload'],
    };
  if (pausedAt === null) return null;
  const by = pausedBy === null ? '' : ` by ${pausedBy}`;
  const because = pauseReason === null ? '' : `, because: ${pauseReason}`;
  return {
    status: 'paused',
    why: `the schedule is paused${since(pausedAt)}${by}${because}`,
    next: [`PUT /v1/schedules/${id}/resume: the times of the pause stay skipped`],
  };
}

function since(time: Date | null): string {
  return time === null ? '' : ` since ${time.toISOString()}`;
}
