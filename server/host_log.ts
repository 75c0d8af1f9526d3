import { type DestinationStream, type Logger, symbols } from 'pino';
import type { Config } from '../config/schema.ts';
import { createLogger, type ProcessLogger, REDACTED } from '../process/logger.ts';
import { shownError } from '../process/shown_error.ts';
import type { HostLogger } from './options.ts';

/** A logger of Errand whose lines go where those of the host go. Throws a TypeError if it is not of pino. */
export async function logOf(host: HostLogger | undefined, config: Config): Promise<ProcessLogger> {
  if (host === undefined) return createLogger(config, 'errand');
  if (!isPino(host)) throw new TypeError('log must be a logger of pino, for example that of Fastify');
  const destination = (host as unknown as Record<symbol, DestinationStream>)[symbols.streamSym];
  if (destination === undefined) throw new TypeError('log has no destination: give a logger of pino');
  // Secrets are hidden, whatever the logger of the host does about its own.
  return { log: host.child({}, { redact: REDACTED, serializers: { err: shownError } }), destination };
}

function isPino(log: unknown): log is Logger {
  return typeof log === 'object' && log !== null && symbols.streamSym in log;
}
