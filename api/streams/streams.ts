import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import type { Database } from '../../store/pool.ts';
import { STREAM_TIMING, type StreamTiming } from './event_stream.ts';
import { eventsReader, type ReadEvents } from './events.ts';
import { createFeed, type Feed } from './feed.ts';
import { linesReader, type ReadLines } from './lines.ts';

/** What the streams of a process share. */
export type Streams = { feed: Feed; readLines: ReadLines; readEvents: ReadEvents; timing: StreamTiming };

export type StreamsOptions = {
  /** For the one connection that listens. */
  connection: ClientConfig;
  /** For what is read on behalf of all readers, so that nobody who hangs up cancels it. */
  database: Database;
  log: Logger;
  timing?: StreamTiming;
};

/** Makes them; the connection is made when somebody first waits for something. */
export function createStreams({
  connection,
  database,
  log,
  timing = STREAM_TIMING,
}: StreamsOptions): Streams {
  return {
    feed: createFeed({ connection, log }),
    readLines: linesReader(database),
    readEvents: eventsReader(database),
    timing,
  };
}
