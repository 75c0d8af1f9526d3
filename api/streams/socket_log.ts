import { randomUUID } from 'node:crypto';
import type { Request } from 'express';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { principalOf } from '../auth/identify.ts';

/** The code of a connection that ended without a close frame (RFC 6455, section 7.1.5). */
const BROKEN_OFF = 1006;

/** A WebSocket in the log: its id, and the logger whose lines have it. */
export type Logged = { id: string; log: Logger };

/**
 * Gives a connection an id, and logs its start and its end. The end is clean if a close frame came with it. The
 * access log leaves WebSockets out: to it, each of them is a request that was aborted.
 */
export function logSocket(socket: WebSocket, request: Request): Logged {
  const id = randomUUID();
  const log = request.log.child({ connection_id: id });
  const openedAt = performance.now();
  log.info({ actor: principalOf(request).actor }, 'a WebSocket was opened');
  socket.once('close', (code, reason) => {
    const isClean = code !== BROKEN_OFF;
    const end = { code, is_clean: isClean, duration_ms: Math.round(performance.now() - openedAt) };
    log.info(
      { ...end, ...(reason.length > 0 && { reason: String(reason) }) },
      isClean ? 'a WebSocket was closed' : 'a WebSocket broke off',
    );
  });
  return { id, log };
}
