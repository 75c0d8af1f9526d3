import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../process/start.ts';
import { type Look, readDue } from '../../store/schedules/due.ts';
import type { PlannedFiring } from '../../store/schedules/fire.ts';
import type { RunnerEvents } from '../record/events.ts';
import { fireDue } from './fire_due.ts';
import { planDue } from './plan_due.ts';
import { serveHeld } from './serve_held.ts';

/** Due schedules that one statement handles. More are handled at once after it. */
const BATCH = 100;
/** Schedules are read and planned this long before they are due, so that only one statement is left then. */
const PLAN_AHEAD_MS = 500;
/** How often it is checked whether the runs that held times wait for have ended. */
const HELD_EVERY_MS = 1_000;
/** A timer may fire a little early. */
const TIMER_ERROR_MS = 1;
/** After a failure, for example because Postgres is away. */
const RETRY_AFTER_MS = 1_000;
/** A timer cannot be set for longer; heartbeats look again in any case. */
const MAX_TIMER_MS = 3_600_000;
/**
 * How long a runner that came second waits at the next time, so that the first one goes first again. So of many
 * runners usually one reads and plans, and if it is gone, another one is late by no more than this.
 */
const GIVE_WAY_MS = { min: 20, spread: 30 };

export type Scheduler = {
  /** Looks now: a schedule has changed, or a heartbeat shows that time has passed. */
  wake(): void;
  /** Starts nothing more, and waits for what has started. */
  close(): Promise<void>;
};

type Parts = { pool: Pool; events: RunnerEvents; log: Logger };

/**
 * Handles the times of schedules. Every runner does it, for the schedules of all repositories: there is no leader
 * whose end could stop it. It sleeps until Postgres's clock reaches the first due time: the length of the sleep
 * comes from Postgres, so the clock of this machine does not matter, and Postgres checks the time again.
 */
export function startScheduler(parts: Parts): Scheduler {
  const closing = new AbortController();
  const tick = createTick(parts, closing.signal);
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | null = null;
  let isWanted = false;

  async function run(): Promise<void> {
    let waitMs: number | null = RETRY_AFTER_MS;
    try {
      do {
        isWanted = false;
        waitMs = await tick();
      } while (isWanted && !closing.signal.aborted);
    } catch (error) {
      parts.log.warn({ reason: messageOf(error) }, 'could not handle the times of schedules: trying again');
    }
    current = null;
    clearTimeout(timer);
    if (closing.signal.aborted || waitMs === null) return;
    timer = setTimeout(wake, Math.min(Math.max(waitMs, 0), MAX_TIMER_MS));
  }

  function wake(): void {
    if (closing.signal.aborted) return;
    if (current === null) current = run();
    else isWanted = true;
  }

  wake();
  return {
    wake,
    async close() {
      closing.abort();
      clearTimeout(timer);
      if (current !== null) await current;
    },
  };
}

/**
 * Makes the function that handles all that is due, and plans what soon will be. It gives the milliseconds until it
 * must be called again; null if nothing will be due.
 */
function createTick({ pool, events, log }: Parts, closing: AbortSignal): () => Promise<number | null> {
  /** The plan of the last call. */
  let ahead: PlannedFiring[] = [];
  /** When the first schedule is due, by the last call and the clock of `performance`. */
  let expectedAt = Number.POSITIVE_INFINITY;
  /** Not 0 if another runner was first at the last time. */
  let giveWayMs = 0;

  function rank(isFirst: boolean): void {
    giveWayMs = isFirst ? 0 : GIVE_WAY_MS.min + Math.random() * GIVE_WAY_MS.spread;
  }

  /** Gives how many of the schedules that were planned ahead are handled. */
  async function fireAhead(isExpected: boolean): Promise<number> {
    const planned = ahead;
    ahead = [];
    return isExpected && planned.length > 0 ? fireDue(pool, planned, events, log) : 0;
  }

  return async () => {
    const isExpected = performance.now() >= expectedAt;
    let isSecond = isExpected && (await fireAhead(isExpected)) === 0;
    while (!closing.aborted) {
      const look = await readDue(pool, BATCH, giveWayMs === 0 ? PLAN_AHEAD_MS : 0);
      if (look.hasHeld) await serveHeld(pool, log);
      const now = look.due.filter(({ dueInMs }) => dueInMs <= 0);
      if (now.length === 0) {
        // If the next one is near, a timer was only early.
        if (isSecond && (look.nextInMs === null || look.nextInMs > TIMER_ERROR_MS)) rank(false);
        ahead = (await planDue(pool, look.due, log)).firings;
        expectedAt = performance.now() + (look.nextInMs ?? Number.POSITIVE_INFINITY);
        return untilNext(look, ahead.length > 0, giveWayMs);
      }
      const { firings, broken } = await planDue(pool, now, log);
      const handled = (await fireDue(pool, firings, events, log)) + broken;
      rank(handled > 0);
      isSecond = false;
      // Another runner has them in its hands.
      if (handled === 0) return giveWayMs;
    }
    return null;
  };
}

/** The milliseconds until the next call. Without plans it comes early enough to make them. */
function untilNext({ nextInMs, hasHeld }: Look, isPlanned: boolean, giveWayMs: number): number | null {
  const heldMs = hasHeld ? HELD_EVERY_MS : null;
  if (nextInMs === null) return heldMs;
  const untilCallMs =
    isPlanned || giveWayMs > 0 ? nextInMs + giveWayMs + TIMER_ERROR_MS : nextInMs - PLAN_AHEAD_MS / 2;
  return Math.min(Math.ceil(untilCallMs), heldMs ?? Number.POSITIVE_INFINITY);
}
