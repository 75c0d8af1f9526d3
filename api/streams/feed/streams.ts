import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import type { Database } from '../../../store/database/pool.ts';
import { readChanges } from '../../../store/tasks/changes.ts';
import type { Authenticate, Holds, Principal } from '../../auth/principal.ts';
import type { ReadChanges } from './audience.ts';
import { STREAM_TIMING, type StreamTiming } from './event_stream.ts';
import { eventsReader, type ReadEvents } from './events.ts';
import { type CountChanges, createFeed, type Feed } from './feed.ts';
import { linesReader, type ReadLines } from './lines.ts';

/** The parts that all streams of a process share. */
export type Streams = {
  feed: Feed;
  readLines: ReadLines;
  readEvents: ReadEvents;
  changes: ReadChanges;
  timing: StreamTiming;
  revocations: Revocations;
};

export type StreamsOptions = {
  log: Logger;
  authenticate: Authenticate | null;
  stopping: AbortSignal;
  streamTiming?: StreamTiming;
};

/**
 * Makes these parts. `connection` configures the one connection for notifications, which opens when a caller
 * first waits. Reads through `database` are shared by all readers, so no reader's disconnect cancels them.
 */
export function createStreams(
  { log, authenticate, stopping, streamTiming = STREAM_TIMING }: StreamsOptions,
  { connection, database, count }: { connection: ClientConfig; database: Database; count: CountChanges },
): Streams {
  const feed = createFeed({ connection, log, count });
  stopping.addEventListener('abort', feed.close);
  return {
    feed,
    readLines: linesReader(database),
    readEvents: eventsReader(database),
    changes: { read: (ids) => readChanges(database, ids), log, count },
    timing: streamTiming,
    revocations: watchRevocations(authenticate?.holds, stopping),
  };
}

/** How often the credentials of open streams are checked, which is how often API_KEYS_FILE is read. */
const LOOK_EVERY_MS = 1_000;

/** Ends streams whose credentials have become invalid. */
export type Revocations = {
  /**
   * Calls `end` once the principal's credentials are no longer valid. Gives a function that stops watching.
   */
  watch(principal: Principal, end: () => void): () => void;
};

/** Makes it. It checks until the process stops. Without `holds`, nothing can be revoked. */
function watchRevocations(holds: Holds | undefined, stopping: AbortSignal): Revocations {
  const open = new Set<{ principal: Principal; end: () => void }>();
  if (holds !== undefined) {
    const look = setInterval(() => {
      for (const { principal, end } of open) if (!holds(principal)) end();
    }, LOOK_EVERY_MS);
    look.unref();
    stopping.addEventListener('abort', () => clearInterval(look));
  }
  return {
    watch(principal, end) {
      const one = { principal, end };
      open.add(one);
      return () => void open.delete(one);
    },
  };
}
