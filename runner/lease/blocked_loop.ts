import type { LoopView, SeenAttempt } from '../execute/loop_table.ts';
import type { Overdue } from './end_blocked.ts';

const LOOK_EVERY_MS = 500;
/** If the event loop has not turned for this long, it is blocked. It turns every 250 ms. */
const BLOCKED_MS = 2_000;

/** A blocked event loop: for how long, and the attempt that blocks it, if known. */
export type Blocked = { forMs: number; by: SeenAttempt | null };

export type BlockedLoopOptions = {
  view: LoopView;
  /**
   * If the loop is blocked this long by an unknown attempt, every overdue attempt counts as the
   * cause.
   */
  leaseMs: number;
  /**
   * Gives the key of the attempt that the main thread runs now, or those of a batch with commas between
   * them; null if none, undefined if unknown.
   */
  ask: () => Promise<string | null | undefined>;
  onBlocked: (blocked: Blocked) => void;
  /** Ends the process. Resolves only if that failed. */
  end: (guilty: Overdue[]) => Promise<void>;
};

export type BlockedLoop = { current(): Blocked | null; close(): void };

/** The key by which the threads name an attempt. */
export function attemptKey({ id, attempt }: { id: string; attempt: number }): string {
  return `${id} ${attempt}`;
}

/**
 * Watches from another thread whether the event loop turns. If it is blocked, `onBlocked` gets the
 * attempt that blocks it. When the timeout and the grace of that attempt, or of each of its batch, are
 * over, the process is ended.
 *
 * JavaScript code can be identified while it runs. A native call that does not return
 * (execFileSync, for example) cannot: after `leaseMs` every overdue attempt counts as the cause.
 * Code that an attempt left running after it returned belongs to no attempt: the process is then
 * ended when other attempts are overdue, or when there are none.
 */
export function watchLoop(options: BlockedLoopOptions): BlockedLoop {
  const { view } = options;
  let [turnedAt, seenAt, lookedAt] = [view.turnedAt(), performance.now(), performance.now()];
  let current: Blocked | null = null;
  let looking = false;

  function silentMs(): number {
    const now = performance.now();
    // This thread did not run either: the process was stopped, or the machine is overloaded.
    const wasAway = now - lookedAt > 2 * LOOK_EVERY_MS;
    lookedAt = now;
    if (view.turnedAt() !== turnedAt || wasAway || turnedAt === 0)
      [turnedAt, seenAt] = [view.turnedAt(), now];
    return now - seenAt;
  }

  async function investigate(forMs: number): Promise<void> {
    const key = await options.ask();
    if (view.turnedAt() !== turnedAt) return;
    const running = key?.split(',') ?? [];
    const isRunning = (attempt: SeenAttempt): boolean => running.includes(attemptKey(attempt));
    const blocking = view.attempts().filter(isRunning);
    const by = blocking[0] ?? null;
    const isNew = current === null || (current.by === null && by !== null);
    current = { forMs, by };
    if (isNew) options.onBlocked(current);
    const late = overdue(view, turnedAt + forMs);
    const guilty = late.filter((one) => (by === null ? key === undefined : isRunning(one)));
    const mustEnd =
      by === null
        ? forMs >= options.leaseMs && (late.length > 0 || view.attempts().length === 0)
        : guilty.length === blocking.length;
    if (mustEnd) await options.end(guilty);
  }

  function look(): void {
    const forMs = silentMs();
    if (forMs < BLOCKED_MS) current = null;
    else if (!looking) {
      looking = true;
      void investigate(forMs).finally(() => {
        looking = false;
      });
    }
  }

  const timer = setInterval(look, LOOK_EVERY_MS);
  return { current: () => current, close: () => clearInterval(timer) };
}

function overdue(view: LoopView, now: number): Overdue[] {
  return view
    .attempts()
    .map((attempt) => ({ ...attempt, ranMs: now - attempt.startedAt }))
    .filter(({ ranMs, limitMs }) => ranMs > limitMs);
}
