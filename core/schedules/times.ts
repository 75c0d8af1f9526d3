import { createHash } from 'node:crypto';
import { cronRule, type Rule } from './cron.ts';
import type { Timing } from './settings.ts';

/** The last moment that a schedule can have: what its table can store. */
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

type Range = { after: Date; until: Date };

/**
 * The first times after a moment, at most `count`, ascending. Throws if the timing is not a valid one: see
 * `settingsProblems`.
 */
export function timesAfter(timing: Timing, after: Date, count: number): Date[] {
  const { rule, first, last } = boundedRule(timing);
  const times: Date[] = [];
  let time = rule.next(Math.max(after.getTime(), first - 1));
  while (time !== null && time <= last && times.length < count) {
    times.push(new Date(time));
    if (times.length < count) time = rule.next(time);
  }
  return times;
}

/** The first time after a moment; null if there is none. */
export function nextTime(timing: Timing, after: Date): Date | null {
  return timesAfter(timing, after, 1)[0] ?? null;
}

/** The newest times with `after` < time ≤ `until`, at most `count`, ascending. */
export function latestTimes(timing: Timing, { after, until }: Range, count: number): Date[] {
  const { rule, first, last } = boundedRule(timing);
  const from = Math.max(after.getTime(), first - 1);
  const times: Date[] = [];
  let time = rule.latest(Math.min(until.getTime(), last));
  while (time !== null && time > from && times.length < count) {
    times.push(new Date(time));
    if (times.length < count) time = rule.latest(time - 1);
  }
  return times.reverse();
}

/** How many times there are with `after` < time ≤ `until`; null if there are more than `limit`. */
export function countTimes(timing: Timing, { after, until }: Range, limit: number): number | null {
  const end = until.getTime();
  const found = timesAfter(timing, after, limit + 1).filter((time) => time.getTime() <= end).length;
  return found > limit ? null : found;
}

/**
 * When a time is handled: later by its jitter, and before the next time. The same id and time always give the
 * same moment, in each process that computes it.
 */
export function dueAt(id: string, timing: Timing, time: Date): Date {
  if (timing.jitter_seconds === 0) return time;
  const next = nextTime(timing, time)?.getTime() ?? Number.POSITIVE_INFINITY;
  const spread = Math.min(timing.jitter_seconds * 1_000, next - time.getTime());
  return new Date(Math.min(time.getTime() + Math.floor(shareOf(id, time) * spread), LAST_TIME));
}

/** A number in [0, 1) that looks random, and is the same for the same id and time. */
function shareOf(id: string, time: Date): number {
  const hash = createHash('sha256').update(`${id} ${time.toISOString()}`).digest();
  return hash.readUInt32BE() / 2 ** 32;
}

/** The rule of a timing, and the first and the last moment that it allows. */
function boundedRule(timing: Timing): { rule: Rule; first: number; last: number } {
  const first = timing.starts_at === null ? 0 : Date.parse(timing.starts_at);
  const last = timing.ends_at === null ? LAST_TIME : Date.parse(timing.ends_at);
  return { rule: ruleOf(timing, first), first, last: Math.min(last, LAST_TIME) };
}

function ruleOf({ cron, every_seconds, at, timezone }: Timing, first: number): Rule {
  if (cron !== null) return cronRule(cron, timezone);
  if (every_seconds !== null) return intervalRule(first, every_seconds * 1_000);
  if (at !== null) return onceRule(Date.parse(at));
  throw new Error('the timing has none of cron, every_seconds and at');
}

/**
 * Equal steps of elapsed time from an anchor. They depend on nothing else, so a schedule can be made again.
 */
function intervalRule(anchor: number, step: number): Rule {
  return {
    next: (after) => anchor + (Math.floor((after - anchor) / step) + 1) * step,
    latest: (until) => anchor + Math.floor((until - anchor) / step) * step,
  };
}

function onceRule(at: number): Rule {
  return { next: (after) => (at > after ? at : null), latest: (until) => (at <= until ? at : null) };
}
