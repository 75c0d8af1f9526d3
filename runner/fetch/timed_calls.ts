import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { poolRules } from '../../core/limits/pool_rules.ts';
import { messageOf } from '../../process/start.ts';
import { callTimedLimits } from '../../store/limits/timed_calls.ts';
import type { RegisteredHandler } from '../execute/execute.ts';

/** How often a runner looks for keys whose time has come: the one that knew the time may have died. */
const LOOK_EVERY_MS = 1_000;
/** No look sooner than this after the last one, however many attempts start. */
const MIN_MS = 10;

/** Calls the tasks that wait for a rate, when its time has come. */
export type TimedCalls = {
  /** Looks soon: the time of some key may come earlier than those that are known. */
  look(): void;
  close(): Promise<void>;
};

/**
 * Starts a timer that calls who waits for the time of a rate, or for the end of a hold (Q2). Every runner with
 * limits has one: calls of several runners are harmless. The times are Postgres's, and only durations are
 * used, so the clock of the runner does not matter. Without limits it does nothing.
 */
export function startTimedCalls(options: {
  pgPool: Pool;
  registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
  log: Logger;
}): TimedCalls {
  const { pgPool, registeredHandlers, log } = options;
  const isLimited = Array.from(registeredHandlers.values()).some(
    ({ definition }) => poolRules(definition.policy).length > 0,
  );
  if (!isLimited) return { look: () => {}, close: async () => {} };

  let timer: NodeJS.Timeout | undefined;
  /** When the timer fires, by performance.now(). */
  let dueAt = Number.POSITIVE_INFINITY;
  let looking: Promise<void> | null = null;
  let lastAt = 0;
  let isAsked = false;
  let isClosed = false;

  function lookIn(ms: number): void {
    const at = performance.now() + ms;
    if (isClosed || looking !== null || at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => {
      dueAt = Number.POSITIVE_INFINITY;
      looking = call();
    }, ms);
  }

  async function call(): Promise<void> {
    isAsked = false;
    let nextMs: number | null = null;
    try {
      nextMs = await callTimedLimits(pgPool);
    } catch (error) {
      log.warn(
        { reason: messageOf(error) },
        'calling tasks that wait for a rate failed: the next look tries again',
      );
    }
    lastAt = performance.now();
    looking = null;
    lookIn(isAsked ? MIN_MS : Math.min(Math.max(Math.ceil(nextMs ?? LOOK_EVERY_MS), MIN_MS), LOOK_EVERY_MS));
  }

  lookIn(LOOK_EVERY_MS);
  return {
    look() {
      isAsked = true;
      lookIn(Math.max(0, lastAt + MIN_MS - performance.now()));
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
