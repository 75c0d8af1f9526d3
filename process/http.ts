import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from './node_http.ts';

/** How far above its usual port a process looks for a free one when none was asked for. */
const PORTS_TO_TRY = 100;
const IDLE_SWEEP_MS = 20;
/** How often it is looked for requests that do not arrive in time. */
const CONNECTION_SWEEP_MS = 5_000;
const REQUEST_TIMEOUT_MS = 300_000;

export type ListenOptions = {
  host: string;
  port: number;
  /** The variable that sets the port. */
  variable: string;
  /** A busy port means the next one is tried. */
  orNext?: boolean;
  /** How long a request may take to arrive whole. */
  requestTimeoutMs?: number;
  /** Which requests for another protocol get one; the others are answered as if they had not asked. */
  shouldUpgrade?: (request: IncomingMessage) => boolean;
  /** Answers what is no HTTP; without it Node does. */
  onMalformed?: (error: NodeJS.ErrnoException, socket: Duplex) => void;
};

/** Listens. Throws an Error that names the port and the variable that sets it. */
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

/** Tells the process that started this one, if there is one, that it is up and on which port. */
export function announce(server: Server): void {
  process.send?.({ listening: portOf(server) });
}

/** The port that a listening server has. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/**
 * Stops accepting, lets the requests under way finish for at most `timeoutMs`, then closes what is left.
 */
export async function closeServer(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection whose last request ends from now on would be kept alive, and nothing would close it.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(timer);
}
