import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { ErrandError } from '../../core/errors.ts';
import type { Registry } from '../../core/registry.ts';
import { closest, isOwnNamespace, taskNames } from '../../core/registry.ts';
import { namespaceOf } from '../../core/task.ts';
import type { Connections } from '../../store/database/pool.ts';
import { isKnown } from '../../store/tasks/known_names.ts';
import { getState } from '../../store/tasks/tasks.ts';
import { principalOf } from '../auth/identify.ts';
import type { Principal } from '../auth/principal.ts';
import { type Api, isSeenBy, visibilityOf } from '../context.ts';
import { publicError } from '../errors.ts';
import type { RegisteredTasks } from '../registered/registered_tasks.ts';
import { type Audience, createAudience, type Subscriber } from './feed/audience.ts';
import { lifetimeOf } from './feed/event_stream.ts';
import type { Feed } from './feed/feed.ts';
import {
  connectedMessage,
  doneMessage,
  errorMessage,
  readRequest,
  type SocketRequest,
  type Topic,
} from './feed/messages.ts';
import { takeSocket } from './feed/upgrade.ts';
import { logSocket } from './socket_log.ts';

/** The only subprotocol. */
const SUBPROTOCOL = 'errand.v1';
const MAX_MESSAGE_BYTES = 16_384;
/** If a client has more unsent bytes than this, it is disconnected. */
const MAX_UNSENT_BYTES = 1_048_576;
/** How long to wait for the answer to a close frame. */
const CLOSE_MS = 2_000;
const GOING_AWAY = 1001;
/** The code for refusing a WebSocket: 4000 plus the status (refuse_socket.ts). */
const UNAUTHORIZED = 4401;

/**
 * Makes the handler of `GET /ws` (specification L3). A client subscribes and receives changes, whichever
 * process made them. A client that does not answer a ping before the next one is disconnected, and so is a
 * client that does not receive its messages.
 */
export function createSockets(api: Api, heartbeatMs: number): RequestHandler {
  const { inFlight, stopping, streams } = api;
  const audience = createAudience(streams.feed, streams.changes);
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
  });
  const open = keepAlive(heartbeatMs, stopping);
  return (request, response) => {
    const upgrade = takeSocket(request, response, () => inFlight.toStream(response, 'websocket'));
    const principal = principalOf(request);
    server.handleUpgrade(request, upgrade.socket, upgrade.head, (socket) => {
      const { id, log } = logSocket(socket, request);
      send(socket, connectedMessage(id));
      const lifetime = setTimeout(
        () => closeSoon(socket, 'its lifetime is over: connect again'),
        lifetimeOf(principal, streams.timing),
      );
      const forget = streams.revocations.watch(principal, () =>
        closeSoon(socket, 'these credentials are no longer valid', UNAUTHORIZED),
      );
      socket.once('close', () => {
        clearTimeout(lifetime);
        forget();
      });
      open(socket);
      const { pool, breaker } = api.databases.reads;
      const database = breaker.guard(pool);
      converse(socket, {
        feed: streams.feed,
        audience,
        database,
        registry: api.registry,
        registered: api.registered,
        principal,
        log,
      });
    });
  };
}

/** Pings each given socket until it closes. Closes all of them when the process stops. */
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
  registry: Registry;
  registered: RegisteredTasks;
  principal: Principal;
  log: Logger;
};

/** Answers the messages of a client, one after the other, until it disconnects. */
function converse(socket: WebSocket, conversation: Conversation): void {
  const { feed, audience, database, principal, log } = conversation;
  const subscriber: Subscriber = { principal, topics: new Set(), send: (message) => send(socket, message) };

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

  /** Reads the state after the subscription, so that no change between the two is lost. */
  async function standingOf({ kind, key }: Topic): Promise<Record<string, unknown>> {
    if (kind !== 'task') {
      await requireKnown({ kind, key }, conversation);
      return {};
    }
    const state = await getState(database, key, visibilityOf(principal));
    if (state === null)
      throw new ErrandError(
        'NOT_FOUND',
        `There is no task ${key}: check the id, or the namespaces of these credentials`,
      );
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
  socket.on('error', ({ message }) => log.info({ reason: message }, 'the connection of a WebSocket failed'));
  socket.on('message', (data) => {
    // One message at a time: a client that sends faster has to wait.
    socket.pause();
    void answer(String(data)).finally(() => socket.resume());
  });
}

/**
 * Throws NOT_FOUND, with similar names, for a name or a namespace that no task has or ever had. In a
 * namespace that the caller may not see it never throws, so the caller cannot find out what exists there.
 */
async function requireKnown(
  { kind, key }: { kind: 'name' | 'namespace'; key: string },
  {
    database,
    registry,
    registered,
    principal,
  }: Pick<Conversation, 'database' | 'registry' | 'registered' | 'principal'>,
): Promise<void> {
  const isSeen = isSeenBy({ principal });
  if (!isSeen(key) || isOwnNamespace(kind === 'name' ? namespaceOf(key) : key)) return;
  const own = taskNames(registry.definitions);
  const ofKind = (names: readonly string[]): string[] =>
    kind === 'name' ? names.filter(isSeen) : [...new Set(names.filter(isSeen).map(namespaceOf))];
  if (ofKind(own).includes(key) || (await isKnown(database, kind, key))) return;
  const close = closest(key, ofKind([...own, ...(await registered.names())]));
  const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see GET /v1/handlers';
  const what = kind === 'name' ? 'task' : 'namespace';
  throw new ErrandError('NOT_FOUND', `There is no ${what} ${JSON.stringify(key.slice(0, 256))}: ${hint}`);
}

/** Keeps no messages for a client that does not receive them. */
function send(socket: WebSocket, message: string): void {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.terminate();
  else socket.send(message);
}

function closeSoon(socket: WebSocket, reason: string, code = GOING_AWAY): void {
  socket.close(code, reason);
  setTimeout(() => socket.terminate(), CLOSE_MS).unref();
}
