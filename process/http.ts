import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How far above its usual port a process looks for a free one when none was asked for. */
const PORTS_TO_TRY = 100;

/**
 * Listens and tells the parent process, if there is one, on which port. With `orNext`, a busy port means the
 * next one is tried. Throws an Error that names the port and the variable that sets it.
 */
export async function listen(
  listener: RequestListener,
  where: { host: string; port: number; variable: string; orNext?: boolean },
): Promise<Server> {
  const last = where.orNext ? where.port + PORTS_TO_TRY : where.port;
  for (let port = where.port; ; port++) {
    const server = createServer({ keepAliveTimeout: 65_000, headersTimeout: 70_000 }, listener);
    const error = await tryListen(server, where.host, port);
    if (error === null) {
      process.send?.({ listening: portOf(server) });
      return server;
    }
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

/** The port that a listening server has. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/**
 * Stops accepting, lets the requests under way finish for at most `timeoutMs`, then closes what is left.
 */
export async function closeServer(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
}
