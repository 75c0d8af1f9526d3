import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../process/start.ts';
import { appendLateLine } from '../../store/attempts/late_lines.ts';
import type { LogLine } from '../../store/attempts/running.ts';
import { toErrorRecord } from '../record/classify.ts';
import { type AttemptUnderWay, currentAttempts } from './attempt.ts';
import { bindingsOf } from './run_attempt.ts';

/** How often a late line is tried, because the outcome of its attempt may not be recorded yet, … */
const LATE_TRIES = 20;
/** … and the delay between two tries. */
const LATE_RETRY_MS = 250;

export type ContainmentOptions = {
  pgPool: Pool;
  log: Logger;
  /** The cause is unknown: hand everything over and end the process. */
  onUnknown: () => void;
};

/**
 * Handles errors that nothing catches: unhandled rejections, and exceptions that are thrown in
 * their own turn of the event loop (timers, streams, sockets, listeners). The attempt in whose
 * asynchronous context the error was thrown fails with it. If that attempt is over, it keeps its
 * outcome and gets a line in its log. Code of a batch handler belongs to all attempts of its batch. Other attempts do not notice. If the error belongs to no
 * attempt, the cause is Errand itself or unknown, so the process hands everything over and ends.
 *
 * A rejection has the context in which it was rejected. If a handler's module keeps a connection
 * pool, a promise that one attempt forgot may be rejected in the context of the attempt that opened
 * the connection.
 */
export function containFaults(options: ContainmentOptions): void {
  const take = (thrown: unknown, what: string): void => {
    try {
      blame(thrown, what, options);
    } catch (error) {
      // An error thrown here would end the process at once.
      process.stderr.write(`Could not report an uncaught error: ${messageOf(error)}\n`);
    }
  };
  process.on('unhandledRejection', (reason) => take(reason, 'An unhandled rejection'));
  process.on('uncaughtException', (error) => take(error, 'An uncaught exception'));
}

function blame(thrown: unknown, what: string, options: ContainmentOptions): void {
  const attempts = currentAttempts();
  if (attempts.length === 0) {
    options.log.fatal(
      { err: thrown },
      `${what} outside any attempt: handing everything over, then ending this process`,
    );
    options.onUnknown();
  }
  for (const attempt of attempts) blameOn(attempt, thrown, what, options);
}

function blameOn(attempt: AttemptUnderWay, thrown: unknown, what: string, options: ContainmentOptions): void {
  const log = options.log.child(bindingsOf(attempt.due));
  const isFailed = attempt.fail(thrown);
  const message = isFailed
    ? `${what}: the attempt fails`
    : `${what} after the end of the attempt was decided`;
  log.error({ err: thrown }, message);
  const line = lineOf(thrown, message);
  if (attempt.isOver) void writeLate(options, attempt, line);
  else attempt.unwritten.lines.push(line);
}

function lineOf(thrown: unknown, message: string): LogLine {
  const { error_type, message: error_message, error_code, stack } = toErrorRecord(thrown);
  const fields = { error_type, error_message, error_code, stack };
  return { level: 'error', message, fields, at: new Date().toISOString() };
}

/**
 * Writes a line after the outcome is recorded. Lines are numbered after the last one, and the
 * statement that records the outcome may be numbering lines too.
 */
async function writeLate(
  { pgPool, log }: ContainmentOptions,
  { due }: AttemptUnderWay,
  line: LogLine,
): Promise<void> {
  for (let tries = 0; tries < LATE_TRIES; tries++) {
    try {
      if (await appendLateLine(pgPool, due, line)) return;
    } catch (error) {
      log.warn(
        { reason: messageOf(error), task_id: due.id },
        'could not write a log line of an attempt that is over',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LATE_RETRY_MS).unref());
  }
}
