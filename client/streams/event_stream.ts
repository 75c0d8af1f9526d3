import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ConnectionError, ErrandError } from '../errors.ts';
import { pause, unlessAborted } from '../requests/deadline.ts';
import type { StreamOptions } from '../requests/options.ts';
import type { OpenAnswer, Transport } from '../requests/transport.ts';

/** An event of a stream (Server-Sent Events), with its data parsed as JSON. */
export type StreamEvent = { id: string | undefined; event: string; data: unknown };

/** Streams are not available, so the caller must poll. */
export class StreamUnavailable extends Error {
  /** Whether no stream works; otherwise perhaps only this one. */
  readonly anywhere: boolean;

  constructor(message: string, anywhere: boolean, cause?: unknown) {
    super(message, { cause });
    this.anywhere = anywhere;
  }
}

/** Follows streams of the API. */
export type Follow = (asked: {
  path: string;
  /** The id of the event after which the stream continues. */
  lastEventId?: string | undefined;
  signal?: AbortSignal | undefined;
}) => AsyncGenerator<StreamEvent>;

/** After this many consecutive connections without data, streams are given up. */
const BARREN_LIMIT = 3;
const RECONNECT_MS = 1_000;
/** An event is a line or a state. The bound protects against answers that are not streams. */
const MAX_EVENT_CHARACTERS = 32 * 1024 * 1024;
/** The statuses of a server that does not have streams, or not this one. */
const NO_STREAM = new Set([404, 405, 406, 415, 501]);

/** How long streams are not tried again after they were unavailable. */
const WITHOUT_MS = 300_000;

/**
 * Makes a function that follows a stream up to and including its event `end`, over as many connections as
 * necessary. Each connection continues after the last received event. Throws StreamUnavailable, also at once
 * if streams were unavailable a short time ago, or the errors of opening a connection after its retries.
 */
export function createFollow(transport: Transport, options: StreamOptions = {}): Follow {
  const waitBudget = { firstByteMs: options.firstByteMs ?? 10_000, silenceMs: options.silenceMs ?? 45_000 };
  let withoutUntil = 0;
  return async function* follow({ path, lastEventId, signal }) {
    if (Date.now() < withoutUntil)
      throw new StreamUnavailable('Streams were not available a short time ago', true);
    try {
      yield* connections(transport, { path, lastEventId, signal }, waitBudget);
    } catch (error) {
      if (error instanceof StreamUnavailable && error.anywhere) withoutUntil = Date.now() + WITHOUT_MS;
      throw error;
    }
  };
}

type Asked = { path: string; lastEventId: string | undefined; signal: AbortSignal | undefined };
type WaitBudget = { firstByteMs: number; silenceMs: number };

async function* connections(
  transport: Transport,
  { path, lastEventId, signal }: Asked,
  waitBudget: WaitBudget,
): AsyncGenerator<StreamEvent> {
  const progress = { lastEventId, retryMs: RECONNECT_MS, barren: 0 };
  for (;;) {
    const answer = await openStream(
      transport,
      { path, signal, lastEventId: progress.lastEventId },
      waitBudget,
    );
    progress.barren++;
    try {
      for await (const event of readEvents(answer, progress, waitBudget)) {
        if (event.id !== undefined) progress.lastEventId = event.id;
        yield event;
        if (event.event === 'end') return;
      }
      if (progress.barren >= BARREN_LIMIT)
        throw new StreamUnavailable('The connections of the stream carry no data', true);
      await pause(progress.retryMs * (0.5 + Math.random()), answer.signal);
    } finally {
      await answer.response.body?.cancel().catch(() => {});
      answer.end();
    }
  }
}

const heldBack = (): Error => new StreamUnavailable('A proxy holds the stream back', true);

async function openStream(
  transport: Transport,
  { path, lastEventId, signal }: Asked,
  { firstByteMs }: WaitBudget,
): Promise<OpenAnswer> {
  const resumed = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const headers = { accept: 'text/event-stream', ...resumed };
  const limit = { ms: firstByteMs, tooLong: heldBack };
  const answer = await transport
    .open({ method: 'GET', path, headers, signal, limit, keepsTrying: true })
    .catch((error: unknown) => {
      if (!(error instanceof ErrandError) || !NO_STREAM.has(error.status ?? 0)) throw error;
      throw new StreamUnavailable(error.message, error.status !== 404, error);
    });
  if (answer.response.headers.get('content-type')?.startsWith('text/event-stream')) return answer;
  await answer.response.body?.cancel().catch(() => {});
  answer.end();
  throw new StreamUnavailable('The answer is not a stream', true);
}

/** The events of one connection until it ends, whether the server or the network ended it. */
async function* readEvents(
  { response, signal }: OpenAnswer,
  progress: { retryMs: number; barren: number },
  { firstByteMs, silenceMs }: WaitBudget,
): AsyncGenerator<StreamEvent> {
  const events: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: (event) => events.push(event),
    onRetry: (ms) => {
      progress.retryMs = ms;
    },
    onComment: () => {
      progress.barren = 0;
    },
  });
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  let hasBegun = false;
  try {
    for (;;) {
      const read = await readWithin(reader, hasBegun ? silenceMs : firstByteMs, signal);
      if (read === 'silent' && !hasBegun) throw heldBack();
      if (read === 'silent' || read === 'broken' || read.done) return;
      hasBegun = true;
      parser.feed(decoder.decode(read.value, { stream: true }));
      for (const { id, event = 'message', data } of events.splice(0)) {
        progress.barren = 0;
        yield { id, event, data: parsed(data) };
      }
    }
  } finally {
    // The function that opened the stream cancels it.
    reader.releaseLock();
  }
}

type Chunk = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>['read']>>;

/** Reads the next chunk. Throws only the reason of the signal. */
async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  ms: number,
  signal: AbortSignal,
): Promise<Chunk | 'silent' | 'broken'> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<'silent'>((resolve) => {
    timer = setTimeout(() => resolve('silent'), ms);
  });
  try {
    const read = reader.read().catch(() => 'broken' as const);
    return await unlessAborted(Promise.race([read, silence]), signal);
  } finally {
    clearTimeout(timer);
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new ConnectionError('The stream contains an event that is not JSON', { code: 'NO_JSON', cause });
  }
}
