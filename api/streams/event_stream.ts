import type { Response } from 'express';
import type { Principal } from '../auth/principal.ts';

/** How a stream keeps itself alive and bounded. */
export type StreamTiming = {
  /** A comment is sent after so long, so that nothing on the way takes the connection for dead. */
  heartbeatMs: number;
  /** A reader that takes nothing for so long is cut. */
  stalledMs: number;
  /** When it is over, so that credentials are asked for again now and then. The reader goes on where it was. */
  lifetimeMs: number;
  /** What a reader is to wait before it comes back. */
  retryMs: number;
};

export const STREAM_TIMING: StreamTiming = {
  heartbeatMs: 15_000,
  stalledMs: 30_000,
  lifetimeMs: 3_600_000,
  retryMs: 1_000,
};

/** How long a stream of somebody may last: not beyond its credentials. */
export function lifetimeOf({ endsAtMs }: Principal, { lifetimeMs }: StreamTiming): number {
  return endsAtMs === undefined ? lifetimeMs : Math.max(0, Math.min(lifetimeMs, endsAtMs - Date.now()));
}

/** One event of a stream, as it is written; `id` is what a reader comes back with. */
export type ServerEvent = { id?: string; event: string; data: unknown };

export type EventStream = {
  /** Writes events. Resolves when the reader has taken enough for more, also when it is over meanwhile. */
  send(events: readonly ServerEvent[]): Promise<void>;
  /** Aborted when it is over: the reader is gone, or was cut, or its time is up. */
  over: AbortSignal;
  end(): void;
};

/** So much is written at a time; what a reader does not take waits in Postgres, not here. */
const CHUNK_LENGTH = 65_536;

/**
 * Answers with Server-Sent Events (the HTML standard's event streams). Nothing is buffered but one chunk: a reader that is
 * slow is waited for, and cut when it takes nothing at all.
 */
export function openEventStream(
  response: Response,
  { stopping, timing, lifetimeMs }: { stopping: AbortSignal; timing: StreamTiming; lifetimeMs: number },
): EventStream {
  const over = new AbortController();
  const end = (): void => over.abort();
  const lifetime = setTimeout(end, lifetimeMs);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': heartbeat\n\n');
  }, timing.heartbeatMs);
  over.signal.addEventListener('abort', () => {
    clearTimeout(lifetime);
    clearInterval(heartbeat);
    stopping.removeEventListener('abort', end);
    response.end();
  });
  stopping.addEventListener('abort', end);
  response.once('close', end);
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    // Else nginx would keep the events until it has enough of them.
    'X-Accel-Buffering': 'no',
  });
  response.write(`retry: ${timing.retryMs}\n\n`);
  // Nobody would ever be told that it is over who has asked for its head alone.
  if (stopping.aborted || response.locals.isHead) end();
  return {
    over: over.signal,
    end,
    async send(events) {
      for (const chunk of chunksOf(events)) {
        if (over.signal.aborted) return;
        if (!response.write(chunk)) await drained(response, timing.stalledMs);
      }
    },
  };
}

/** Resolves when the reader has taken what was written, or is gone; one that takes nothing for so long is cut. */
function drained(response: Response, stalledMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(stalled);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    // What it has not taken is of no more use: an end would wait for it for ever.
    const stalled = setTimeout(() => response.destroy(), stalledMs);
    response.once('drain', done);
    response.once('close', done);
  });
}

function* chunksOf(events: readonly ServerEvent[]): Generator<string> {
  let chunk = '';
  for (const { id, event, data } of events) {
    chunk += `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
