import { type Answer, inTheirZone, pauseInWords } from './explain_answers.ts';
import type { ScheduleFacts } from './explain_facts.ts';

/** What the schedule does now, and why it does not run. */
export function answerNow(facts: ScheduleFacts): Answer {
  const { id, settings, broken, pausedAt, heldFor, nextAt, dueAt, now, hasLiveRunner, openTasks } = facts;
  if (broken !== null)
    return {
      status: 'broken',
      summary: `${id} is broken, so no time of it runs: ${broken}.`,
      next: ['Correct the schedule, or deploy a definition that accepts its payload'],
    };
  if (pausedAt !== null)
    return {
      status: 'paused',
      summary: `${id} does not run: ${pauseInWords(facts)}.`,
      next: [`PUT /v1/schedules/${id}/resume`],
    };
  if (heldFor !== null) {
    const open = openTasks[0] === undefined ? 'an earlier run' : `task ${openTasks[0].id} of an earlier run`;
    return {
      status: 'held',
      summary: `${inTheirZone(settings, heldFor)} waits for ${open} to end (overlap ${settings.overlap}).`,
    };
  }
  if (nextAt === null || dueAt === null) return { status: 'ended', summary: `${id} has no further time.` };
  const next = inTheirZone(settings, nextAt);
  if (dueAt > now) return { status: 'scheduled', summary: `${id} runs next at ${next}.` };
  if (hasLiveRunner)
    return { status: 'due', summary: `${next} is due, and a runner will handle it in about a second.` };
  return {
    status: 'no_runner',
    summary: `${next} is due, and no runner is up to handle it.`,
    next: ['Start a runner. Then catch_up decides about the times that were missed'],
  };
}
