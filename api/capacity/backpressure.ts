import type { Logger } from 'pino';
import { ErrandError } from '../../core/errors.ts';
import { messageOf } from '../../process/start.ts';
import type { Database } from '../../store/database/pool.ts';
import { readQueueDepths } from '../../store/stats/namespaces.ts';
import type { QueueNames } from '../registered/queue_names.ts';

const READ_EVERY_MS = 1_000;
const RETRY_AFTER_SECS = '5';

/** Limits how many tasks wait in a namespace. */
export type Backpressure = {
  /** Throws SERVICE_UNAVAILABLE with Retry-After if the namespace has too many waiting tasks. */
  admit(namespace: string): void;
  close(): void;
};

/** No limit: everything is admitted. */
export const UNLIMITED: Backpressure = { admit: () => {}, close: () => {} };

/**
 * Refuses new tasks in namespaces that have more than `limit` due tasks (specification A9). Waiting tasks are
 * counted once per second, not for each submission. So a namespace may exceed its limit a little before it is
 * refused. If counting fails, the last count stays valid.
 */
export function limitDepth(options: {
  database: Database;
  names: QueueNames;
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
      const depths = await readQueueDepths(database, await names(database), limit);
      full = new Set([...depths].filter(([, { isCapped }]) => isCapped).map(([namespace]) => namespace));
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not count the waiting tasks: the last count stays valid');
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
        `More than ${limit} tasks of ${namespace} are waiting: the API accepts no new ones at the moment. Try again later`,
        { reason: 'backpressure', headers: { 'Retry-After': RETRY_AFTER_SECS } },
      );
    },
    close: () => clearInterval(timer),
  };
}
