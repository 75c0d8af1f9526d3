import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { deleteExpired, type RetentionHours } from '../store/attempts/retention.ts';
import { type Due, msUntilNextDue, readDue, wakeSchedules } from '../store/testing/time.ts';

const DRAIN_WITHIN_MS = 60_000;
/** Each wait is longer than the one before, so that hardly more than a third of the time is waited in vain. */
const LOOK_MS = { min: 2, max: 50, growth: 1.5 };
/**
 * After this time a runner has missed that a schedule is due, if it is not only a busy machine. That a held time need
 * wait no longer, it sees within a second: tests do not wait for that.
 */
const MISSED_MS = 20;
/** How many tasks an error names. */
const NAMED = 5;
/** A little more than the time of the next task, which Postgres stores in microseconds. */
const BEYOND_MS = 1;
/** More times than this in one `advance` are most likely a task that is due again and again. */
const MAX_TIMES = 50_000;
const EXPIRED_AT_ONCE = 500;

/**
 * Waits until no task is due or running, and no schedule has a due time. Throws an Error that names those that are
 * left after `withinMs`.
 */
export async function drainDue(pool: Pool, withinMs = DRAIN_WITHIN_MS): Promise<void> {
  const until = performance.now() + withinMs;
  for (let lookMs = LOOK_MS.min; ; lookMs = Math.min(LOOK_MS.growth * lookMs, LOOK_MS.max)) {
    const due = await readDue(pool, NAMED + 1);
    if (due.length === 0) return;
    if (performance.now() > until) {
      const named = due.slice(0, NAMED).map(inWords);
      const more = due.length > NAMED ? ', and more' : '';
      throw new Error(`Tasks are still due or running after ${withinMs} ms: ${named.join(', ')}${more}`);
    }
    if (due.some(({ kind, state }) => kind === 'schedule' && (state === 'held' || lookMs > MISSED_MS)))
      await wakeSchedules(pool);
    await pause(lookMs);
  }
}

function inWords({ kind, id, name, state }: Due): string {
  return kind === 'task' ? `${name} ${id} (${state})` : `the schedule ${id} (${state})`;
}

/**
 * Lets `ms` milliseconds pass: from one time at which a task or a schedule is due to the next, and executes what is
 * due there before time goes on.
 */
export async function passTime(
  pool: Pool,
  ms: number,
  { drain, shift }: { drain: () => Promise<void>; shift: (ms: number) => Promise<void> },
): Promise<void> {
  await drain();
  let left = ms;
  for (let times = 0; times < MAX_TIMES; times++) {
    const next = await msUntilNextDue(pool);
    const step = next === null || next > left ? left : Math.min(left, Math.max(0, next) + BEYOND_MS);
    await shift(step);
    await drain();
    left -= step;
    if (left <= 0) return;
  }
  throw new Error(
    `${MAX_TIMES} times at which something was due have passed, and ${left} ms are left: advance by less, or look for a task that submits itself`,
  );
}

/** Deletes finished tasks whose retention is over, which a runner does every 30 s. */
export async function expire(pool: Pool, hours: RetentionHours): Promise<void> {
  while ((await deleteExpired(pool, hours, EXPIRED_AT_ONCE)) === EXPIRED_AT_ONCE);
}
