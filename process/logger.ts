import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/schema.ts';
import { shownError } from './shown_error.ts';

const SECRET_HEADERS = ['authorization', 'cookie', 'set-cookie', 'x-api-key', 'proxy-authorization'];

/** What is never in a log line, wherever a request or its headers are logged. For every logger of ours. */
export const REDACTED = {
  paths: SECRET_HEADERS.flatMap((name) => [`headers["${name}"]`, `*.headers["${name}"]`]),
  censor: '[redacted]',
};

export type ProcessLogger = {
  log: Logger;
  /** Where its lines go: for loggers whose lines take another way first. */
  destination: DestinationStream;
};

/**
 * The logger of a process: JSON lines, or readable ones in development. Lines that belong to a request or a
 * task carry `request_id` and `task_id`.
 */
export async function createLogger(
  config: Pick<Config, 'LOG_LEVEL' | 'NODE_ENV'>,
  processName: string,
): Promise<ProcessLogger> {
  const destination = await destinationFor(config.NODE_ENV);
  const log = pino(
    {
      level: config.LOG_LEVEL,
      base: { process: processName, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      redact: REDACTED,
      serializers: { err: shownError },
    },
    destination,
  );
  return { log, destination };
}

async function destinationFor(environment: Config['NODE_ENV']): Promise<DestinationStream> {
  // Synchronous: what a process says last, when it crashes, is what matters.
  if (environment !== 'development') return pino.destination({ dest: 1, sync: true });
  // A development dependency: production must not need it.
  const { default: pretty } = await import('pino-pretty');
  return pretty({ sync: true, ignore: 'pid,hostname,process', messageFormat: '{process}: {msg}' });
}
