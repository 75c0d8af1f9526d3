import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import type { RunningReport } from '../../store/attempts/running.ts';
import { AttemptAborted, AttemptUnderWay } from './attempt.ts';
import { createLoopTable } from './loop_table.ts';

/**
 * How often the running attempts are looked at. Attempts that have lasted this long are reported as
 * running, timeouts and graces are applied, and log lines and progress are written. A shorter
 * attempt costs none of that.
 */
const TICK_MS = 250;
const NO_LONGER_OURS = 'The task was cancelled, or another dispatch executes it now';

/** The attempts that a runner executes now. */
export type Running = {
  add(due: DueAttempt, timeoutMs: number): AttemptUnderWay;
  /**
   * Call it when an attempt has ended, even if it failed. A report of it may still be being
   * written: see `reporting`.
   */
  end(attempt: AttemptUnderWay): void;
  /**
   * Writes the start of an attempt before its handler runs. Gives false if the task is no longer
   * the runner's.
   */
  announce(attempt: AttemptUnderWay): Promise<boolean>;
  count(): number;
  /** The task name of each attempt. */
  names(): string[];
  /** Aborts the attempt of a task, if it runs here. */
  cancel(taskId: string): void;
  /** Aborts all attempts. Those that still run after the grace are abandoned. */
  abortAll(reason: AttemptAborted): void;
  /** The loop table for the thread of the lease. */
  readonly shared: SharedArrayBuffer;
  /** Stops the timer. */
  close(): void;
};

export type RunningOptions = {
  /** Writes reports and gives the ids of the tasks that are still the runner's. */
  report: (reports: RunningReport[]) => Promise<Set<string>>;
  /** How long an aborted handler may take to return. */
  graceMs: number;
  /** How many attempts run at a time; more than slots if there are batches. */
  concurrency: number;
  log: Logger;
};

/** Tracks the running attempts. */
export function trackRunning(options: RunningOptions): Running {
  const attempts = new Set<AttemptUnderWay>();
  const table = createLoopTable(options.concurrency);

  const write = writer(options);

  function tick(): void {
    const now = performance.now();
    table.turn(slotsOf(attempts));
    for (const attempt of attempts) {
      if (attempt.aborted === null && now - attempt.startedAt >= attempt.timeoutMs) {
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
        // Usually the task was cancelled before it was reported as running, and the notification
        // was lost.
        if (!ours.has(attempt.due.id)) attempt.abort(new AttemptAborted('cancelled', NO_LONGER_OURS));
      }
    } catch (error) {
      // Only the display depends on it. The next report, or the outcome, writes the same again.
      options.log.warn({ err: error }, 'could not report what is running');
    }
  }

  const timer = setInterval(tick, TICK_MS);
  return {
    add(due, timeoutMs) {
      const attempt = new AttemptUnderWay(due, timeoutMs);
      attempts.add(attempt);
      const { id, dispatchId, attempt: number } = due;
      attempt.place = table.enter({
        ...{ id, dispatchId, attempt: number, startedAt: attempt.startedAt },
        limitMs: timeoutMs + options.graceMs,
      });
      return attempt;
    },
    end(attempt) {
      attempts.delete(attempt);
      // An abandoned handler may still block the event loop.
      attempt.whenReturned(() => table.leave(attempt.place));
    },
    announce: announcer(write),
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
    shared: table.shared,
    close: () => clearInterval(timer),
  };
}

/** How many slots these attempts hold: those of a batch hold one together. */
function slotsOf(attempts: ReadonlySet<AttemptUnderWay>): number {
  return new Set(Array.from(attempts, (attempt) => attempt.seat?.batch ?? attempt)).size;
}

type Write = (reported: AttemptUnderWay[]) => Promise<Set<string>>;

/**
 * Writes the news of attempts and gives the ids of the tasks that are still the runner's. If that
 * fails, the news stays for the next report.
 */
function writer(options: RunningOptions): Write {
  return async (reported) => {
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
  };
}

/** Announces together: after a crash there may be many attempts to announce. */
function announcer(write: Write): (attempt: AttemptUnderWay) => Promise<boolean> {
  return batcher(
    async (announced: AttemptUnderWay[]) => {
      const ours = await write(announced);
      return announced.map(({ due }) => ours.has(due.id));
    },
    { maxItems: 100 },
  );
}

function hasNews(attempt: AttemptUnderWay, now: number): boolean {
  if (now - attempt.startedAt < TICK_MS) return false;
  return !attempt.marked || attempt.unwritten.lines.length > 0 || attempt.unwritten.progress !== null;
}

function takeReport(attempt: AttemptUnderWay): RunningReport {
  const { lines, progress } = attempt.unwritten;
  attempt.unwritten = { lines: [], progress: null };
  attempt.marked = true;
  const elapsedMs = performance.now() - attempt.startedAt;
  const { id, dispatchId, attempt: number } = attempt.due;
  return { id, dispatchId, attempt: number, elapsedMs, lines, progress };
}

function putBack(attempt: AttemptUnderWay, report: RunningReport | undefined): void {
  if (report === undefined) return;
  attempt.marked = false;
  attempt.unwritten = {
    lines: [...report.lines, ...attempt.unwritten.lines],
    progress: attempt.unwritten.progress ?? report.progress,
  };
}
