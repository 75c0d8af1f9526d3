import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { pause, unlessAborted } from './deadline.ts';
import { ConnectionError, ErrandError } from './errors.ts';
import type { StreamOptions } from './options.ts';
import type { OpenAnswer, Transport } from './transport.ts';

/** An event of a stream (Server-Sent Events), its data read as JSON. */
export type StreamEvent = { id: string | undefined; event: string; data: unknown };

/** There are no streams to be had: what asks for one has to go without. */
export class StreamUnavailable extends Error {
  /** Whether it is so for all of them; else maybe only for this one. */
  readonly anywhere: boolean;

  constructor(message: string, anywhere: boolean, cause?: unknown) {
    super(message, { cause });
    this.anywhere = anywhere;
  }
}

/** Follows streams of the API. */
export type Follow = (asked: {
  path: string;
  /** After which event it goes on. */
  lastEventId?: string | undefined;
  signal?: AbortSignal | undefined;
}) => AsyncGenerator<StreamEvent>;

/** After so many connections in a row that brought nothing, streams are given up. */
const BARREN_LIMIT = 3;
const RECONNECT_MS = 1_000;
/** An event is a line or a state; the bound is for what is no stream. */
const MAX_EVENT_CHARACTERS = 32 * 1024 * 1024;
/** What a server answers that has no streams, or not this one. */
const NO_STREAM = new Set([404, 405, 406, 415, 501]);

/** For how long it is not tried again where there are none. */
const WITHOUT_MS = 300_000;

/**
 * Makes what follows a stream to its event `end`, which it gives too, over as many connections as that takes: each
 * goes on after the last event that was given. Throws StreamUnavailable, also at once when it was so a while ago, or
 * what opening a connection throws after its retries.
 */
export function createFollow(transport: Transport, options: StreamOptions = {}): Follow {
  const patience = { firstByteMs: options.firstByteMs ?? 10_000, silenceMs: options.silenceMs ?? 45_000 };
  let withoutUntil = 0;
  return async function* follow({ path, lastEventId, signal }) {
    if (Date.now() < withoutUntil) throw new StreamUnavailable('There were none a while ago', true);
    try {
      yield* connections(transport, { path, lastEventId, signal }, patience);
    } catch (error) {
      if (error instanceof StreamUnavailable && error.anywhere) withoutUntil = Date.now() + WITHOUT_MS;
      throw error;
    }
  };
}

type Asked = { path: string; lastEventId: string | undefined; signal: AbortSignal | undefined };
type Patience = { firstByteMs: number; silenceMs: number };

async function* connections(
  transport: Transport,
  { path, lastEventId, signal }: Asked,
  patience: Patience,
): AsyncGenerator<StreamEvent> {
  const progress = { lastEventId, retryMs: RECONNECT_MS, barren: 0 };
  for (;;) {
    const answer = await openStream(transport, { path, signal, lastEventId: progress.lastEventId }, patience);
    progress.barren++;
    try {
      for await (const event of readEvents(answer, progress, patience)) {
        if (event.id !== undefined) progress.lastEventId = event.id;
        yield event;
        if (event.event === 'end') return;
      }
      if (progress.barren >= BARREN_LIMIT) throw new StreamUnavailable('Its connections bring nothing', true);
      await pause(progress.retryMs * (0.5 + Math.random()), answer.signal);
    } finally {
      await answer.response.body?.cancel().catch(() => {});
      answer.end();
    }
  }
}

const heldBack = (): Error => new StreamUnavailable('It is held back on its way', true);

async function openStream(
  transport: Transport,
  { path, lastEventId, signal }: Asked,
  { firstByteMs }: Patience,
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
  throw new StreamUnavailable('What was answered is no stream', true);
}

/** The events of one connection, to its end, whether that was its server's or the network's. */
async function* readEvents(
  { response, signal }: OpenAnswer,
  progress: { retryMs: number; barren: number },
  { firstByteMs, silenceMs }: Patience,
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
    // Whoever has opened it cancels it.
    reader.releaseLock();
  }
}

type Chunk = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>['read']>>;

/** Reads on. Throws nothing but the reason of the signal. */
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
    throw new ConnectionError('The stream has an event that is no JSON', { code: 'NO_JSON', cause });
  }
}
