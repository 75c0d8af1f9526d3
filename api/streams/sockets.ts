import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { ErrandError } from '../../core/errors.ts';
import type { Connections } from '../../store/pool.ts';
import { getState } from '../../store/tasks.ts';
import { principalOf } from '../auth/identify.ts';
import type { Principal } from '../auth/principal.ts';
import { type Api, visibilityOf } from '../call.ts';
import { publicError } from '../errors.ts';
import { type Audience, createAudience, type Subscriber } from './audience.ts';
import { lifetimeOf } from './event_stream.ts';
import type { Feed } from './feed.ts';
import { doneMessage, errorMessage, readRequest, type SocketRequest, type Topic } from './messages.ts';
import { takeSocket } from './upgrade.ts';

/** The one subprotocol. */
const SUBPROTOCOL = 'errand.v1';
const MAX_MESSAGE_BYTES = 16_384;
/** What a client has not taken: with more it is cut off. */
const MAX_UNSENT_BYTES = 1_048_576;
/** For the close frame to be answered. */
const CLOSE_MS = 2_000;
const GOING_AWAY = 1001;

/**
 * Makes the handler of `GET /ws` (specification L3): a client subscribes, and is told of changes, of whichever process. One
 * that does not answer a ping until the next one is cut off, and so is one that does not take what it is sent.
 */
export function createSockets(api: Api, heartbeatMs: number): RequestHandler {
  const { inFlight, stopping, streams } = api;
  const audience = createAudience(streams.feed);
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
  });
  const open = keepAlive(heartbeatMs, stopping);
  return (request, response) => {
    const upgrade = takeSocket(request, response, () => inFlight.toStream(response));
    const principal = principalOf(request);
    const { log } = request;
    server.handleUpgrade(request, upgrade.socket, upgrade.head, (socket) => {
      const lifetime = setTimeout(
        () => closeSoon(socket, 'its time is up: connect again'),
        lifetimeOf(principal, streams.timing),
      );
      socket.once('close', () => clearTimeout(lifetime));
      open(socket);
      const { pool, breaker } = api.databases.reads;
      converse(socket, { feed: streams.feed, audience, database: breaker.guard(pool), principal, log });
    });
  };
}

/** Pings every socket that it is given until it is closed, and closes all when the process is stopping. */
function keepAlive(heartbeatMs: number, stopping: AbortSignal): (socket: WebSocket) => void {
  const alive = new Map<WebSocket, boolean>();
  const heartbeat = setInterval(() => {
    for (const [socket, isAlive] of alive) {
      if (!isAlive) socket.terminate();
      alive.set(socket, false);
      socket.ping();
    }
  }, heartbeatMs);
  heartbeat.unref();
  const close = (socket: WebSocket): void => closeSoon(socket, 'the process is stopping: connect again');
  stopping.addEventListener('abort', () => {
    clearInterval(heartbeat);
    for (const socket of alive.keys()) close(socket);
  });
  return (socket) => {
    alive.set(socket, true);
    socket.on('pong', () => alive.set(socket, true));
    socket.once('close', () => alive.delete(socket));
    if (stopping.aborted) close(socket);
  };
}

type Conversation = {
  feed: Feed;
  audience: Audience;
  database: Connections;
  principal: Principal;
  log: Logger;
};

/** Answers what a client asks for, one message after the other, until it is gone. */
function converse(socket: WebSocket, { feed, audience, database, principal, log }: Conversation): void {
  const subscriber: Subscriber = { principal, topics: new Set(), tell: (message) => send(socket, message) };

  async function carryOut(request: SocketRequest): Promise<Record<string, unknown>> {
    const { type, topic } = request;
    if (type === 'unsubscribe') {
      audience.unsubscribe(subscriber, topic);
      return {};
    }
    audience.subscribe(subscriber, topic);
    try {
      await feed.ready();
      return await standingOf(topic);
    } catch (error) {
      audience.unsubscribe(subscriber, topic);
      throw error;
    }
  }

  /** Read after it was subscribed to, so that no change is between this and the first that is told. */
  async function standingOf({ kind, key }: Topic): Promise<Record<string, unknown>> {
    if (kind !== 'task') return {};
    const state = await getState(database, key, visibilityOf(principal));
    if (state === null) throw new ErrandError('NOT_FOUND', `There is no task ${key}`);
    return { state };
  }

  async function answer(text: string): Promise<void> {
    let request: SocketRequest | undefined;
    try {
      request = readRequest(text);
      send(socket, doneMessage(request, await carryOut(request)));
    } catch (thrown) {
      const error = publicError(thrown);
      if (error !== thrown) log.error({ err: thrown }, error.message);
      send(socket, errorMessage(error, request));
    }
  }

  audience.join(subscriber);
  socket.once('close', () => audience.leave(subscriber));
  socket.on('error', ({ message }) => log.info({ reason: message }, 'a WebSocket broke'));
  socket.on('message', (data) => {
    // One at a time: who sends more than is worked on waits.
    socket.pause();
    void answer(String(data)).finally(() => socket.resume());
  });
}

/** Nothing is kept for a client that takes nothing. */
function send(socket: WebSocket, message: string): void {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.terminate();
  else socket.send(message);
}

function closeSoon(socket: WebSocket, reason: string): void {
  socket.close(GOING_AWAY, reason);
  setTimeout(() => socket.terminate(), CLOSE_MS).unref();
}
