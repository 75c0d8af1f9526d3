import type { Logger } from 'pino';

/** Ctrl-C reaches a process from the terminal and, forwarded, from npm: both are one press. */
const SAME_PRESS_MS = 500;

/**
 * Calls `stop` at the first SIGTERM or SIGINT, or when the process that started this one is gone, and exits
 * with 0 when it is done, with 1 when it fails or takes longer than `timeoutMs`. A second signal, no repetition
 * of the first, ends the process at once.
 */
export function stopOnSignal(log: Logger, timeoutMs: number, stop: () => Promise<void>): void {
  let stoppingSince: number | null = null;
  const onSignal = (reason: string): void => {
    if (stoppingSince !== null) {
      if (performance.now() - stoppingSince < SAME_PRESS_MS) return;
      log.warn({ reason }, 'stopped at once by a second signal');
      process.exit(1);
    }
    stoppingSince = performance.now();
    log.info({ reason }, 'stopping');
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
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // Started by another process of ours: it must not leave us behind as an orphan that holds the port.
  process.on('disconnect', () => {
    if (stoppingSince === null) onSignal('the process that started this one is gone');
  });
}
