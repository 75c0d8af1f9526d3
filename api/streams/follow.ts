import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../process/start.ts';
import type { EventStream, ServerEvent } from './event_stream.ts';
import type { Feed } from './feed.ts';

/** After a read that failed: Postgres may be away for a while, and the reader need not know. */
const RETRY_MS = 1_000;

/** What has come since a position, and where that leads to. */
export type Step<Position> = {
  events: ServerEvent[];
  position: Position;
  /** What to do next: go on at once, wait until something changes, or end. */
  next: 'more' | 'wait' | 'end';
};

/** Reads on from a position; null when the task is not there any more. What is read at one `version` may be shared. */
export type ReadOn<Position> = (position: Position, version: number) => Promise<Step<Position> | null>;

export type Following<Position> = {
  feed: Feed;
  taskId: string;
  stream: EventStream;
  position: Position;
  readOn: ReadOn<Position>;
  log: Logger;
};

/**
 * Sends what becomes of a task until it has ended, or the stream has. It reads only as fast as the reader takes it, and only
 * from the ledger: what is heard of changes is when to read. So nothing is lost or repeated, whatever is heard or missed.
 */
export async function follow<Position>(following: Following<Position>): Promise<void> {
  const { feed, taskId, stream, readOn, log } = following;
  let { position } = following;
  const watch = feed.watch(taskId);
  try {
    while (!stream.over.aborted) {
      const step = await readOn(position, watch.version()).catch(async (error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'a stream can not read on: trying again');
        await pause(RETRY_MS, undefined, { signal: stream.over }).catch(() => {});
        return 'failed' as const;
      });
      if (step === 'failed') continue;
      if (step === null) break;
      await stream.send(step.events);
      position = step.position;
      if (step.next === 'end') break;
      if (step.next === 'wait') await watch.changed(stream.over);
    }
  } finally {
    watch.close();
    stream.end();
  }
}

/**
 * Lets those that ask for the same at the same time share one answer: a thousand readers of one task that hear of a line
 * read it once.
 */
export function shareReads<T>(): (key: string, read: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<T>>();
  return (key, read) => {
    const same = running.get(key);
    if (same !== undefined) return same;
    const answer = read().finally(() => running.delete(key));
    running.set(key, answer);
    return answer;
  };
}
