import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { traceIdOf } from '../../process/tracing.ts';
import { type DueAttempt, readPayload } from '../../store/attempts/load.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import { readResults } from '../../store/workflows/steps.ts';
import type { RunnerEvents } from '../record/events.ts';
import { untilBack } from '../record/retry_until_available.ts';
import type { AttemptUnderWay, Seat } from './attempt.ts';
import { execute, type RegisteredHandler } from './execute.ts';
import type { Pace } from './pace.ts';
import type { Running } from './running.ts';
import type { TaskLog } from './task_log.ts';

export type AttemptRunnerOptions = {
  pgPool: Pool;
  registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
  taskLog: TaskLog;
  events: RunnerEvents;
  log: Logger;
  running: Running;
  slots: HeldSlots;
};

/** The handling of slots of limits that no outcome frees. */
export type HeldSlots = {
  /** Frees them, because nothing of the attempt runs any more. */
  free(due: DueAttempt): void;
  /** Gives them to another attempt of this runner that waits for them. Gives whether there was one. */
  handOn(due: DueAttempt): boolean;
  /**
   * Keeps them while the handler still runs, though its outcome is decided. If it does not return
   * within the grace, the process has to end.
   */
  keep(attempt: AttemptUnderWay): void;
  /** Lets nothing more of its limit start for so long, because something outside refuses more. */
  hold(due: DueAttempt, ms: number): Promise<void>;
};

/**
 * Runs an attempt of a dispatch and gives its outcome; see DispatchWork. `loadedAt` is when the
 * dispatch was loaded, by performance.now(). The attempt leaves its seat in a batch, if it has one, when it has
 * ended.
 */
export type RunAttempt = (
  announced: DueAttempt,
  loadedAt: number,
  seat?: Seat | null,
) => Promise<Outcome | null>;

/** An attempt whose handler has ended. A report of it may still be being written. */
type Ended = { attempt: AttemptUnderWay; outcome: Outcome };

/**
 * Makes the function that runs one attempt in a slot, which `release` frees, or in its seat: it reads missing large
 * parts, executes the handler and collects its log lines.
 */
export function attemptRunner(options: AttemptRunnerOptions, pace: Pace, release: () => void): RunAttempt {
  const { pgPool, registeredHandlers, taskLog, events, log, running, slots } = options;

  async function executed(announced: DueAttempt, loadedAt: number, seat: Seat | null): Promise<Ended | null> {
    const isComplete = announced.payload !== null && announced.results !== null;
    const due = isComplete ? announced : await withLargeParts(pgPool, log, announced);
    const registeredHandler = registeredHandlers.get(due.name);
    if (registeredHandler === undefined)
      throw new Error(`fetched a dispatch of ${due.name}, which this runner cannot execute`);
    const attempt = running.add(due, due.timeoutMs ?? registeredHandler.definition.policy.timeoutMs);
    attempt.seat = seat;
    try {
      // The start of a task that may kill this runner, or may have expired, is recorded before it runs.
      const isAnnounced = due.isSuspect || due.expires;
      if (isAnnounced && !(await untilBack(log, 'announcing a start', () => running.announce(attempt))))
        return null;
      events.emit('started', due.name, due.waitedMs + attempt.startedAt - loadedAt);
      let opened: Logger | null = null;
      const outcome = await execute(registeredHandler, attempt, {
        // Opened on first use: many handlers log nothing.
        task() {
          opened ??= taskLog.open(bindingsOf(due), () => (attempt.isOver ? null : attempt.unwritten));
          return opened;
        },
        runner: () => log.child(bindingsOf(due)),
      });
      pace.note(due.name, outcome.durationMs / (attempt.together?.length ?? 1));
      return { attempt, outcome };
    } finally {
      running.end(attempt);
    }
  }

  return async (announced, loadedAt, seat = null) => {
    let ended: Ended | null;
    try {
      ended = await executed(announced, loadedAt, seat);
    } catch (error) {
      if (announced.hasSlots === true) slots.free(announced);
      throw error;
    } finally {
      if (seat === null) release();
      else seat.leave();
    }
    if (ended === null) {
      if (announced.hasSlots === true) slots.free(announced);
      return null;
    }
    const { attempt, outcome } = ended;
    // Before the next one gets its slot. A crash in between only holds the key.
    if (outcome.kind === 'interrupted' && outcome.holdsKey === true)
      await slots.hold(announced, outcome.againInMs ?? 0);
    if (attempt.isAtWork && outcome.hasSlots === true) {
      outcome.hasSlots = false;
      slots.keep(attempt);
    } else if (outcome.hasSlots === true && slots.handOn(announced)) outcome.hasSlots = false;
    if (attempt.reporting !== null) await attempt.reporting;
    attempt.isOver = true;
    // Everything that was not written while it ran.
    outcome.lines = attempt.unwritten.lines;
    outcome.progress = attempt.unwritten.progress;
    return outcome;
  };
}

/** The fields of every log line about an attempt. */
export function bindingsOf(due: DueAttempt): Record<string, unknown> {
  return {
    task_id: due.id,
    task_name: due.name,
    attempt: due.attempt,
    request_id: due.requestId,
    ...(due.traceparent === null ? {} : { trace_id: traceIdOf(due.traceparent) }),
  };
}

/** Reads the parts that were too large to load with the dispatch. */
async function withLargeParts(pool: Pool, log: Logger, due: DueAttempt): Promise<DueAttempt> {
  const payload = due.payload ?? (await untilBack(log, 'reading a payload', () => readPayload(pool, due.id)));
  const results = due.results ?? (await untilBack(log, 'reading results', () => readResults(pool, due.id)));
  return { ...due, payload, results };
}
