import type { Logger } from 'pino';
import type { DueAttempt } from '../store/begin.ts';
import type { RunningAttempt } from '../store/outcomes.ts';

/** An attempt shorter than this is never shown as `running`, and costs no write for it. */
const MARK_AFTER_MS = 250;

/** The handle that execution has on its own attempt. */
export type AttemptUnderWay = {
  /** Aborted when the attempt should end. */
  readonly signal: AbortSignal;
  /** Rejects when the attempt was aborted and its handler did not return within the grace. */
  readonly abandoned: Promise<never>;
  /** To be called when the attempt has ended, however. */
  end(): void;
};

/** The attempts that a runner executes right now. */
export type Running = {
  add(attempt: DueAttempt): AttemptUnderWay;
  count(): number;
  /** Aborts every attempt; after `graceMs` those that still run are abandoned. */
  abortAll(reason: Error, graceMs: number): void;
  /** Waits until none is under way. */
  idle(): Promise<void>;
  /** Stops marking attempts as running. */
  close(): void;
};

type Entry = {
  attempt: DueAttempt;
  begun: number;
  marked: boolean;
  controller: AbortController;
  abandon: (reason: Error) => void;
};

/** Keeps account of the attempts under way; `mark` writes those that last as running, in batches. */
export function trackRunning(mark: (attempts: RunningAttempt[]) => Promise<void>, log: Logger): Running {
  const entries = new Set<Entry>();
  const idleWaiters: (() => void)[] = [];

  async function markLasting(): Promise<void> {
    const now = performance.now();
    const lasting = [...entries].filter((entry) => !entry.marked && now - entry.begun >= MARK_AFTER_MS);
    if (lasting.length === 0) return;
    for (const entry of lasting) entry.marked = true;
    try {
      await mark(
        lasting.map(({ attempt, begun }) => ({
          id: attempt.id,
          attempt: attempt.attempt,
          elapsedMs: now - begun,
        })),
      );
    } catch (error) {
      // Only what is shown depends on it: the next round tries again.
      for (const entry of lasting) entry.marked = false;
      log.warn({ err: error }, 'could not mark attempts as running');
    }
  }

  let marking = Promise.resolve();
  const timer = setInterval(() => {
    marking = marking.then(markLasting);
  }, MARK_AFTER_MS);

  return {
    add(attempt) {
      const controller = new AbortController();
      const { promise: abandoned, reject: abandon } = Promise.withResolvers<never>();
      abandoned.catch(() => {});
      const entry = { attempt, begun: performance.now(), marked: false, controller, abandon };
      entries.add(entry);
      return {
        signal: controller.signal,
        abandoned,
        end: () => {
          entries.delete(entry);
          if (entries.size === 0) for (const wake of idleWaiters.splice(0)) wake();
        },
      };
    },
    count: () => entries.size,
    abortAll(reason, graceMs) {
      const aborted = [...entries];
      for (const entry of aborted) entry.controller.abort(reason);
      setTimeout(() => {
        for (const entry of aborted) entry.abandon(reason);
      }, graceMs).unref();
    },
    idle: () =>
      entries.size === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve)),
    close: () => clearInterval(timer),
  };
}
