import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../process/start.ts';
import { readDue } from '../../store/schedules/due.ts';
import type { RunnerEvents } from '../record/events.ts';
import { fireDue } from './fire_due.ts';
import { serveHeld } from './serve_held.ts';

/** Due schedules that one statement handles. More are handled at once after it. */
const BATCH = 100;
/** How often it is checked whether the runs that held times wait for have ended. */
const HELD_EVERY_MS = 1_000;
/** A timer may fire a little early, and the time of the statement passes, too. */
const TIMER_ERROR_MS = 5;
/** After a failure, for example because Postgres is away. The next heartbeat may come before. */
const RETRY_AFTER_MS = 1_000;
/** A timer cannot be set for longer; heartbeats look again in any case. */
const MAX_TIMER_MS = 3_600_000;
/**
 * How long a runner that came second lets the other one go first, at the next time. So of many runners usually
 * one reads and plans, and if it is gone, another one is late by no more than this.
 */
const GIVE_WAY_MS = { min: 20, spread: 30 };

export type Scheduler = {
  /** Looks now: a schedule has changed, or a heartbeat shows that the clock goes on. */
  wake(): void;
  /** Starts nothing more, and waits for what has started. */
  close(): Promise<void>;
};

/**
 * Handles the times of schedules. Every runner does it, for the schedules of all repositories: there is no leader
 * whose end could stop it. It sleeps until Postgres's clock reaches the first due time: the length of the sleep
 * comes from Postgres, so the clock of this machine does not matter, and Postgres checks the time again.
 */
export function startScheduler(options: { pool: Pool; events: RunnerEvents; log: Logger }): Scheduler {
  const { pool, events, log } = options;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | null = null;
  let isClosed = false;
  let isWanted = false;
  /** The timer that was set for a due time has fired. */
  let isExpecting = false;
  let giveWayMs = 0;

  const letOthersFirst = (): number => GIVE_WAY_MS.min + Math.random() * GIVE_WAY_MS.spread;

  /** Handles all that is due. Gives the milliseconds until it must look again; null if nothing will be due. */
  async function tick(): Promise<number | null> {
    for (;;) {
      const wasExpecting = isExpecting;
      isExpecting = false;
      const { due, nextInMs, hasHeld } = await readDue(pool, BATCH);
      if (hasHeld) await serveHeld(pool, log);
      if (due.length === 0 || isClosed) {
        const isSecond = wasExpecting && (nextInMs === null || nextInMs > TIMER_ERROR_MS);
        if (isSecond) giveWayMs = letOthersFirst();
        return hasHeld ? Math.min(HELD_EVERY_MS, nextInMs ?? HELD_EVERY_MS) : nextInMs;
      }
      const isFirst = await fireDue(pool, due, events, log);
      giveWayMs = isFirst ? 0 : letOthersFirst();
      // Another runner has them in its hands.
      if (!isFirst) return giveWayMs;
    }
  }

  async function run(): Promise<void> {
    let waitMs: number | null = RETRY_AFTER_MS;
    try {
      do {
        isWanted = false;
        waitMs = await tick();
      } while (isWanted && !isClosed);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not handle the times of schedules: trying again');
    }
    current = null;
    if (isClosed || waitMs === null) return;
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        isExpecting = true;
        wake();
      },
      Math.min(Math.max(Math.ceil(waitMs), 0) + giveWayMs, MAX_TIMER_MS),
    );
  }

  function wake(): void {
    if (isClosed) return;
    if (current === null) current = run();
    else isWanted = true;
  }

  wake();
  return {
    wake,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      if (current !== null) await current;
    },
  };
}
