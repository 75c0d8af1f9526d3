import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { until } from './until.ts';

export type ReceivedEvent = {
  id: string | undefined;
  event: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape, and assert what they find
  data: any;
};

export type EventSource = {
  status: number;
  headers: IncomingHttpHeaders;
  events: ReceivedEvent[];
  comments: string[];
  retryMs: () => number | undefined;
  /** Resolves when the server has closed the stream, or it was cut: true when it was closed in order. */
  closed: Promise<boolean>;
  isClosed: () => boolean;
  /** Hangs up. */
  close(): void;
  /** Waits until so many events are there. */
  received(count: number): Promise<ReceivedEvent[]>;
};

/**
 * A reader of Server-Sent Events on a connection of its own. It does not come back by itself. `stalled`: it takes nothing,
 * but does not hang up either.
 */
export async function openEvents(
  url: string,
  headers: Record<string, string> = {},
  stalled = false,
): Promise<EventSource> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = get(
    url,
    { agent: false, headers: { accept: 'text/event-stream', ...headers } },
    resolve,
  ).on('error', reject);
  const response = await promise;
  const events: ReceivedEvent[] = [];
  const comments: string[] = [];
  let retryMs: number | undefined;
  let isClosed = false;
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push({ id, event, data: JSON.parse(data) }),
    onComment: (comment) => comments.push(comment),
    onRetry: (ms) => {
      retryMs = ms;
    },
  });
  if (!stalled) response.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
  response.on('error', () => {});
  const closed = new Promise<boolean>((done) => {
    response.once('close', () => {
      isClosed = true;
      done(response.complete);
    });
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    comments,
    retryMs: () => retryMs,
    closed,
    isClosed: () => isClosed,
    close: () => request.destroy(),
    received: (count) => until(`${count} events have come`, () => events.length >= count && events),
  };
}
