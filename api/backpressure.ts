import type { Logger } from 'pino';
import { ErrandError } from '../core/errors.ts';
import { messageOf } from '../process/start.ts';
import { readQueueDepths } from '../store/namespaces.ts';
import type { Database } from '../store/pool.ts';

const READ_EVERY_MS = 1_000;
const RETRY_AFTER_SECS = '5';

/** Keeps namespaces from filling up. */
export type Backpressure = {
  /** Throws SERVICE_UNAVAILABLE with Retry-After when a namespace has as much waiting as it may. */
  admit(namespace: string): void;
  close(): void;
};

/** No limit: everything is admitted. */
export const UNLIMITED: Backpressure = { admit: () => {}, close: () => {} };

/**
 * Refuses creation in namespaces that have more than `limit` due tasks (specification A9). What waits is counted once
 * in a while, not for each submission, so that a namespace may go somewhat above its limit before it is refused.
 * While it can't be counted, what was counted last holds.
 */
export function limitDepth(options: {
  database: Database;
  names: readonly string[];
  limit: number;
  log: Logger;
}): Backpressure {
  const { database, names, limit, log } = options;
  let full = new Set<string>();
  let reading = false;
  async function read(): Promise<void> {
    if (reading) return;
    reading = true;
    try {
      const depths = await readQueueDepths(database, names, limit);
      full = new Set([...depths].filter(([, { isCapped }]) => isCapped).map(([namespace]) => namespace));
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not count what waits: the last count holds');
    } finally {
      reading = false;
    }
  }
  const timer = setInterval(read, READ_EVERY_MS);
  timer.unref();
  void read();
  return {
    admit(namespace) {
      if (!full.has(namespace)) return;
      throw new ErrandError(
        'SERVICE_UNAVAILABLE',
        `More than ${limit} tasks of ${namespace} wait to be executed: no new ones for the moment`,
        { reason: 'backpressure', headers: { 'Retry-After': RETRY_AFTER_SECS } },
      );
    },
    close: () => clearInterval(timer),
  };
}
