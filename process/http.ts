import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How far above its usual port a process looks for a free one when none was asked for. */
const PORTS_TO_TRY = 100;
const IDLE_SWEEP_MS = 20;

/**
 * Listens. With `orNext`, a busy port means the next one is tried.
 * Throws an Error that names the port and the variable that sets it.
 */
export async function listen(
  listener: RequestListener,
  where: { host: string; port: number; variable: string; orNext?: boolean },
): Promise<Server> {
  const last = where.orNext ? where.port + PORTS_TO_TRY : where.port;
  for (let port = where.port; ; port++) {
    const server = createServer({ keepAliveTimeout: 65_000, headersTimeout: 70_000 }, listener);
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
