import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/schema.ts';
import { shownError } from './shown_error.ts';

const SECRET_HEADERS = ['authorization', 'cookie', 'set-cookie', 'x-api-key', 'proxy-authorization'];

/** Paths that no logger of ours ever writes, wherever a request or its headers are logged. */
export const REDACTED = {
  paths: SECRET_HEADERS.flatMap((name) => [`headers["${name}"]`, `*.headers["${name}"]`]),
  censor: '[redacted]',
};

export type ProcessLogger = {
  log: Logger;
  /** The destination of its lines, for loggers that process lines first. */
  destination: DestinationStream;
};

/**
 * Makes the logger of a process. It writes JSON lines, or readable lines in development. Lines about a
 * request or a task have `request_id` and `task_id`.
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
  // Synchronous, because the last lines before a crash are the most important.
  if (environment !== 'development') return pino.destination({ dest: 1, sync: true });
  // pino-pretty is a development dependency, so production must not need it.
  const { default: pretty } = await import('pino-pretty');
  return pretty({ sync: true, ignore: 'pid,hostname,process', messageFormat: '{process}: {msg}' });
}
