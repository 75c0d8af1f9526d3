import type { Attempt } from '../data/records.ts';

/** A bar of the waterfall: its start and its length as parts of the whole, from 0 to 1. */
export type Bar = { attempt: Attempt; start: number; length: number; tookMs: number | null };

/** The least length of a bar, so that it can be seen. */
const MIN_LENGTH = 0.004;

/**
 * Places attempts on the time from `from` to the end of the last one, or to `now` if one is running. Times are
 * ISO 8601, `now` is in ms since 1970.
 */
export function waterfall(attempts: readonly Attempt[], from: string, now: number): Bar[] {
  const ends = attempts.flatMap(({ started_at, finished_at }) =>
    started_at === null ? [] : [finished_at === null ? now : Date.parse(finished_at)],
  );
  const start = Math.min(Date.parse(from), ...attempts.flatMap(({ started_at }) => timeOf(started_at)));
  const whole = Math.max(1, Math.max(start, ...ends) - start);
  return attempts.map((attempt) => {
    const { started_at, finished_at } = attempt;
    if (started_at === null) return { attempt, start: 0, length: 0, tookMs: null };
    const began = Date.parse(started_at);
    const tookMs = Math.max(0, (finished_at === null ? now : Date.parse(finished_at)) - began);
    const length = Math.max(MIN_LENGTH, tookMs / whole);
    return { attempt, start: Math.min(1 - length, (began - start) / whole), length, tookMs };
  });
}

function timeOf(time: string | null): number[] {
  return time === null ? [] : [Date.parse(time)];
}
