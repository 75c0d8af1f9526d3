import type { Logger } from 'pino';

/** Ctrl-C reaches a process from the terminal and, forwarded, from npm: both are one press. */
const SAME_PRESS_MS = 500;

/** What has to be ended before the process may exit, and how long that may take. */
export type HowToStop = { timeoutMs: number; stop: () => Promise<void> };

/**
 * Takes SIGTERM, SIGINT and the end of the process that started this one. Gives the function that says how to
 * stop: from then on the first signal calls `stop` and exits with 0 when it is done, with 1 when it fails or
 * takes longer than `timeoutMs`; a second signal, no repetition of the first, ends the process at once.
 *
 * Until then nothing is under way, and a signal ends the process at once with `exitCodeBefore`: without a
 * handler, process 1 of a container would never hear it (pid_namespaces(7)).
 */
export function stopOnSignal(log: Logger, exitCodeBefore: number): (how: HowToStop) => void {
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
    log.info({ reason }, 'stopping');
    stopAndExit(log, how);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // Started by another process of ours: it must not leave us behind as an orphan that holds the port.
  process.on('disconnect', () => {
    if (stoppingSince === null) onSignal('the process that started this one is gone');
  });
  // Listening to that would keep a process up that has nothing left to do.
  process.channel?.unref();
  return (given) => {
    how = given;
  };
}

function stopAndExit(log: Logger, { timeoutMs, stop }: HowToStop): void {
  setTimeout(() => {
    log.fatal({ timeout_ms: timeoutMs }, 'stopping took too long');
    process.exit(1);
  }, timeoutMs);
  stop().then(
    () => {
      log.info('stopped');
      process.exit(0);
    },
    (error: unknown) => {
      log.fatal({ err: error }, 'stopping failed');
      process.exit(1);
    },
  );
}
