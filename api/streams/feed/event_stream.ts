import type { Response } from 'express';
import type { Principal } from '../../auth/principal.ts';

/** How a stream is kept alive, and its limits. */
export type StreamTiming = {
  /** A comment is sent at this interval, so that no proxy closes the connection as idle. */
  heartbeatMs: number;
  /** A reader that receives nothing for this time is disconnected. */
  stalledMs: number;
  /**
   * After this time the stream ends, so that credentials are checked again. The reader continues where it
   * was.
   */
  lifetimeMs: number;
  /** How long a reader waits before it reconnects. */
  retryMs: number;
};

export const STREAM_TIMING: StreamTiming = {
  heartbeatMs: 15_000,
  stalledMs: 30_000,
  lifetimeMs: 3_600_000,
  retryMs: 1_000,
};

export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  // Without it, nginx would buffer the events.
  'X-Accel-Buffering': 'no',
};

/** The lifetime of a principal's stream: it ends when the credentials expire, at the latest. */
export function lifetimeOf({ endsAtMs }: Principal, { lifetimeMs }: StreamTiming): number {
  return endsAtMs === undefined ? lifetimeMs : Math.max(0, Math.min(lifetimeMs, endsAtMs - Date.now()));
}

/** One event of a stream. A reader sends back the last `id` when it reconnects. */
export type ServerEvent = { id?: string; event: string; data: unknown };

export type EventStream = {
  /** Writes events. Resolves when the reader can receive more, and also if the stream ends meanwhile. */
  send(events: readonly ServerEvent[]): Promise<void>;
  /** Aborted when the stream is over: the reader has disconnected or was disconnected, or the time is up. */
  over: AbortSignal;
  end(): void;
};

/** Size of one write. Events that the reader has not received yet stay in Postgres, not in memory. */
const CHUNK_LENGTH = 65_536;

/**
 * Answers with Server-Sent Events (the event streams of the HTML standard). At most one chunk is buffered.
 * The stream waits for a slow reader, and disconnects one that receives nothing.
 */
export function openEventStream(
  response: Response,
  {
    stopping,
    timing,
    lifetimeMs,
    onRevoked,
  }: {
    stopping: AbortSignal;
    timing: StreamTiming;
    lifetimeMs: number;
    /** Calls `end` when the credentials become invalid. Gives a function that stops watching. */
    onRevoked: (end: () => void) => () => void;
  },
): EventStream {
  const over = new AbortController();
  const end = (): void => over.abort();
  const lifetime = setTimeout(end, lifetimeMs);
  const forget = onRevoked(end);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': heartbeat\n\n');
  }, timing.heartbeatMs);
  over.signal.addEventListener('abort', () => {
    clearTimeout(lifetime);
    clearInterval(heartbeat);
    forget();
    stopping.removeEventListener('abort', end);
    response.end();
  });
  stopping.addEventListener('abort', end);
  response.once('close', end);
  response.writeHead(200, STREAM_HEADERS);
  response.write(`retry: ${timing.retryMs}\n\n`);
  // A HEAD request would never end by itself.
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

/**
 * Resolves when the reader has received the written data or has disconnected. A reader that receives nothing
 * for `stalledMs` is disconnected.
 */
export function drained(response: Response, stalledMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(stalled);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    // Destroyed rather than ended: `end` would wait for ever for the unsent data.
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
