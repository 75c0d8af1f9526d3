import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from './node_http.ts';

/** How many ports above its usual port a process tries if no port is configured. */
const PORTS_TO_TRY = 100;
const IDLE_SWEEP_MS = 20;
/** How often Node checks for requests that do not arrive in time. */
const CONNECTION_SWEEP_MS = 5_000;
const REQUEST_TIMEOUT_MS = 300_000;

export type ListenOptions = {
  host: string;
  port: number;
  /** The name of the variable that sets the port. */
  variable: string;
  /** If the port is in use, the next one is tried. */
  orNext?: boolean;
  /** How long a request may take to arrive completely. */
  requestTimeoutMs?: number;
  /** Decides which requests for another protocol are upgraded. The others are answered as normal requests. */
  shouldUpgrade?: (request: IncomingMessage) => boolean;
  /** Answers input that is not valid HTTP. By default, Node answers. */
  onMalformed?: (error: NodeJS.ErrnoException, socket: Duplex) => void;
};

/** Starts a server. Throws an Error that names the port and the variable that sets it. */
export async function listen(listener: RequestListener, where: ListenOptions): Promise<Server> {
  const last = where.orNext ? where.port + PORTS_TO_TRY : where.port;
  const requestTimeout = where.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const options = {
    keepAliveTimeout: 65_000,
    requestTimeout,
    headersTimeout: Math.min(70_000, requestTimeout),
    connectionsCheckingInterval: CONNECTION_SWEEP_MS,
    ...(where.shouldUpgrade === undefined ? {} : { shouldUpgradeCallback: where.shouldUpgrade }),
  };
  for (let port = where.port; ; port++) {
    const server = createServer(options, listener);
    if (where.onMalformed !== undefined) server.on('clientError', where.onMalformed);
    const error = await tryListen(server, where.host, port);
    if (error === null) return server;
    if (error.code !== 'EADDRINUSE') throw error;
    if (port >= last) {
      throw new Error(`port ${port} is in use by another program: stop it, or set ${where.variable}`);
    }
  }
}

function tryListen(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(port, host, () => {
      server.off('error', resolve);
      resolve(null);
    });
  });
}

/** A task that can be submitted, as the parent process shows it. */
type AnnouncedTask = { name: string; example: unknown; isOwn: boolean };

/** Reports to the parent process, if there is one, that this process is ready, its port, and what it takes. */
export function announce(server: Server, tasks: readonly AnnouncedTask[] = []): void {
  process.send?.({ listening: portOf(server), tasks });
}

/** The port of a listening server. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Stops accepting connections, lets running requests finish for at most `timeoutMs`, and closes the rest. */
export async function closeServer(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Connections whose last request ends from now on would stay open (keep-alive), so they are closed at
  // intervals.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(timer);
}
