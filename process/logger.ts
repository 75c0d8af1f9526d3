import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/schema.ts';

/** Never in a log line, wherever a request or its headers are logged. */
const SECRET_HEADERS = ['authorization', 'cookie', 'set-cookie', 'x-api-key', 'proxy-authorization'];

/**
 * The logger of a process: JSON lines, or readable ones in development. Lines that belong to a request or a
 * task carry `request_id` and `task_id`.
 */
export async function createLogger(
  config: Pick<Config, 'LOG_LEVEL' | 'NODE_ENV'>,
  processName: string,
): Promise<Logger> {
  const options = {
    level: config.LOG_LEVEL,
    base: { process: processName, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    redact: {
      paths: SECRET_HEADERS.flatMap((name) => [`headers["${name}"]`, `*.headers["${name}"]`]),
      censor: '[redacted]',
    },
  };
  if (config.NODE_ENV !== 'development') return pino(options);
  // A development dependency: production must not need it.
  const { default: pretty } = await import('pino-pretty');
  return pino(
    options,
    pretty({ sync: true, ignore: 'pid,hostname,process', messageFormat: '{process}: {msg}' }),
  );
}
