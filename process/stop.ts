import type { Logger } from 'pino';
import { isStandby, lifecycleLevel } from './standby.ts';

/** Ctrl-C reaches a process twice: from the terminal and, forwarded, from npm. Both count as one press. */
const SAME_PRESS_MS = 500;

/** The function that ends everything before the process exits, and its time limit. */
export type HowToStop = { timeoutMs: number; stop: () => Promise<void> };

export type Stopping = {
  /** Sets how to stop. */
  onSignal: (how: HowToStop) => void;
  /** Stops like a signal, but exits with 1, because the process has a fault. */
  stopBroken: () => void;
};

/**
 * Handles SIGTERM, SIGINT and the end of the parent process. After `onSignal` was called, the first signal
 * calls `stop`. The process then exits with 0, or with 1 if `stop` fails or takes longer than `timeoutMs`. A
 * second signal ends the process at once; repetitions of the first within SAME_PRESS_MS do not count.
 *
 * Before `onSignal`, nothing is running, and a signal ends the process at once with `exitCodeBefore`. Without
 * a handler, process 1 of a container would ignore the signal (pid_namespaces(7)).
 */
export function stopOnSignal(log: Logger, exitCodeBefore: number): Stopping {
  let how: HowToStop | null = null;
  let stoppingSince: number | null = null;
  const onSignal = (reason: string): void => {
    if (how === null) {
      log.info({ reason }, 'stopped while starting');
      process.exit(exitCodeBefore);
    }
    if (stoppingSince !== null) {
      if (performance.now() - stoppingSince < SAME_PRESS_MS) return;
      log.warn({ reason }, 'stopped at once by a second signal');
      process.exit(1);
    }
    stoppingSince = performance.now();
    log[lifecycleLevel()]({ reason }, 'stopping');
    stopAndExit(log, how, 0);
  };
  process.on('SIGTERM', onSignal);
  // In standby, Ctrl-C is for the parent process, which then stops this one.
  process.on('SIGINT', isStandby() ? () => undefined : onSignal);
  // If the parent process dies, this process must not stay behind as an orphan that holds the port.
  process.on('disconnect', () => {
    if (stoppingSince === null) onSignal('the parent process has ended');
  });
  // Listening on the channel must not keep a finished process alive.
  if (!isStandby()) process.channel?.unref();
  return {
    onSignal(given) {
      how = given;
    },
    stopBroken() {
      if (how === null) process.exit(1);
      if (stoppingSince !== null) return;
      stoppingSince = performance.now();
      stopAndExit(log, how, 1);
    },
  };
}

function stopAndExit(log: Logger, { timeoutMs, stop }: HowToStop, exitCode: number): void {
  setTimeout(() => {
    log.fatal({ timeout_ms: timeoutMs }, 'stopping took too long');
    process.exit(1);
  }, timeoutMs);
  stop().then(
    () => {
      log[lifecycleLevel()]('stopped');
      process.exit(exitCode);
    },
    (error: unknown) => {
      log.fatal({ err: error }, 'stopping failed');
      process.exit(1);
    },
  );
}
