import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { until } from '../until.ts';

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
  /**
   * Resolves when the stream has ended: with true if the server closed it properly, with false if
   * it was cut.
   */
  closed: Promise<boolean>;
  isClosed: () => boolean;
  /** Closes the connection. */
  close(): void;
  /** Waits until so many events have arrived. */
  received(count: number): Promise<ReceivedEvent[]>;
};

/**
 * Reads Server-Sent Events on its own connection. It does not reconnect. With `stalled` it reads
 * nothing and keeps the connection.
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
    received: (count) => until(`${count} events have arrived`, () => events.length >= count && events),
  };
}
