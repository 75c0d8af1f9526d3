import type { Logger } from 'pino';
import type { DueAttempt } from '../store/begin.ts';
import type { RunningReport } from '../store/running.ts';
import { AttemptAborted, AttemptUnderWay } from './attempt.ts';

/**
 * How often attempts are looked at: those that have lasted so long are shown as running, timeouts and graces end,
 * log lines and progress are written. An attempt that is shorter costs none of it.
 */
const TICK_MS = 250;
const NO_LONGER_OURS = 'The task was cancelled, or is executed for another ring by now';

/** The attempts that a runner executes right now. */
export type Running = {
  add(due: DueAttempt, timeoutMs: number): AttemptUnderWay;
  /** To be called when an attempt has ended, however. Something may be being written of it still: see `reporting`. */
  end(attempt: AttemptUnderWay): void;
  /** Writes the start of an attempt before it begins. Gives false when it is not the runner's any more. */
  announce(attempt: AttemptUnderWay): Promise<boolean>;
  count(): number;
  /** The task name of each. */
  names(): string[];
  /** Aborts the attempt of a task, if it is here. */
  cancel(taskId: string): void;
  /** Aborts all; those that still run after the grace are abandoned. */
  abortAll(reason: AttemptAborted): void;
  /** Stops looking after them. */
  close(): void;
};

export type RunningOptions = {
  /** Writes reports and gives the ids of the tasks that are still the runner's. */
  report: (reports: RunningReport[]) => Promise<Set<string>>;
  /** How long an aborted handler may take to return. */
  graceMs: number;
  log: Logger;
};

/** Keeps account of the attempts under way. */
export function trackRunning(options: RunningOptions): Running {
  const attempts = new Set<AttemptUnderWay>();

  async function write(reported: AttemptUnderWay[]): Promise<Set<string>> {
    const reports = reported.map(takeReport);
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const attempt of reported) attempt.reporting = promise;
    try {
      return await options.report(reports);
    } catch (error) {
      reported.forEach((attempt, index) => {
        putBack(attempt, reports[index]);
      });
      throw error;
    } finally {
      for (const attempt of reported) attempt.reporting = null;
      resolve();
    }
  }

  function tick(): void {
    const now = performance.now();
    for (const attempt of attempts) {
      if (attempt.aborted === null && now - attempt.begun >= attempt.timeoutMs) {
        attempt.abort(
          new AttemptAborted('timed_out', `The attempt took longer than ${attempt.timeoutMs} ms`),
        );
      }
      if (attempt.aborted !== null && now - attempt.aborted.at >= options.graceMs) attempt.abandon();
    }
    const lasting = [...attempts].filter((attempt) => attempt.reporting === null && hasNews(attempt, now));
    if (lasting.length > 0) void report(lasting);
  }

  async function report(lasting: AttemptUnderWay[]): Promise<void> {
    try {
      const ours = await write(lasting);
      for (const attempt of lasting) {
        // Cancelled before it was shown as running, mostly, and the notification was lost.
        if (!ours.has(attempt.due.id)) attempt.abort(new AttemptAborted('cancelled', NO_LONGER_OURS));
      }
    } catch (error) {
      // Only what is shown depends on it: what is not written now is written with the next report or the outcome.
      options.log.warn({ err: error }, 'could not report what is running');
    }
  }

  const timer = setInterval(tick, TICK_MS);
  return {
    add(due, timeoutMs) {
      const attempt = new AttemptUnderWay(due, timeoutMs);
      attempts.add(attempt);
      return attempt;
    },
    end: (attempt) => void attempts.delete(attempt),
    announce: async (attempt) => (await write([attempt])).has(attempt.due.id),
    count: () => attempts.size,
    names: () => Array.from(attempts, (attempt) => attempt.due.name),
    cancel(taskId) {
      for (const attempt of attempts) {
        if (attempt.due.id === taskId)
          attempt.abort(new AttemptAborted('cancelled', 'The task was cancelled'));
      }
    },
    abortAll(reason) {
      for (const attempt of attempts) attempt.abort(reason);
    },
    close: () => clearInterval(timer),
  };
}

function hasNews(attempt: AttemptUnderWay, now: number): boolean {
  if (now - attempt.begun < TICK_MS) return false;
  return !attempt.marked || attempt.unwritten.lines.length > 0 || attempt.unwritten.progress !== null;
}

function takeReport(attempt: AttemptUnderWay): RunningReport {
  const { lines, progress } = attempt.unwritten;
  attempt.unwritten = { lines: [], progress: null };
  attempt.marked = true;
  const elapsedMs = performance.now() - attempt.begun;
  const { id, ring, attempt: number } = attempt.due;
  return { id, ranFor: ring, attempt: number, elapsedMs, lines, progress };
}

function putBack(attempt: AttemptUnderWay, report: RunningReport | undefined): void {
  if (report === undefined) return;
  attempt.marked = false;
  attempt.unwritten = {
    lines: [...report.lines, ...attempt.unwritten.lines],
    progress: attempt.unwritten.progress ?? report.progress,
  };
}
