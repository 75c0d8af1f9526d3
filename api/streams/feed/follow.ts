import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../../process/start.ts';
import type { EventStream, ServerEvent } from './event_stream.ts';
import type { Feed } from './feed.ts';

/** Wait after a failed read. Postgres may be down for a while; the reader need not notice. */
const RETRY_MS = 1_000;

/** The events after a position, and the position after them. */
export type Step<Position> = {
  events: ServerEvent[];
  position: Position;
  /** The next action: read more at once, wait for a change, or end. */
  next: 'more' | 'wait' | 'end';
};

/**
 * Reads the events after a position; null if the task does not exist any more. Reads at the same `version`
 * may be shared.
 */
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
 * Sends the events of a task until the task or the stream ends. It reads only as fast as the reader receives,
 * and only from the ledger: notifications just say when to read. So nothing is lost or repeated, even if
 * notifications are lost or repeated.
 */
export async function follow<Position>(following: Following<Position>): Promise<void> {
  const { feed, taskId, stream, readOn, log } = following;
  let { position } = following;
  const watch = feed.watch(taskId);
  try {
    while (!stream.over.aborted) {
      const step = await readOn(position, watch.version()).catch(async (error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'a stream could not read its next events: trying again');
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

/** A key instead of a version: only simultaneous reads share a result. */
const UNWATCHED = -1;

/**
 * Whether no event but the end follows a position. A reader that already got the end receives 204, and then
 * an EventSource stops. Otherwise an EventSource that is not closed would ask for the end every second, for
 * ever.
 */
export async function isOver<Position>(readOn: ReadOn<Position>, position: Position): Promise<boolean> {
  const step = await readOn(position, UNWATCHED);
  return step?.next === 'end' && step.events.every(({ event }) => event === 'end');
}

/**
 * Lets simultaneous reads with the same key share one result: if a thousand readers of one task are notified
 * of a line, it is read once.
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
