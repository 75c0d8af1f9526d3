import type { Request, Response } from 'express';
import { WebSocketServer } from 'ws';
import { type ErrandError, STATUS_BY_CODE } from '../../../core/errors.ts';
import { isUpgrade, takeSocket } from './upgrade.ts';

/** The first code that applications may define (RFC 6455, section 7.4.2). */
const FIRST_OWN_CODE = 4_000;
/** The maximum length of the reason in a close frame. */
const MAX_REASON_BYTES = 123;
/** How long to wait for the answer to a close frame. */
const CLOSE_MS = 2_000;

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: 1,
  // One protocol must be chosen, or browsers abort the connection; but never the one with the credentials.
  handleProtocols: (offered) => [...offered].find((one) => !one.startsWith('errand.bearer.')) ?? false,
});

/**
 * Refuses a browser's WebSocket by opening and closing it. Browsers show a page neither the status nor the
 * body of an HTTP refusal, only the code 1006. The close code is 4000 plus the status (4401 for 401), and the
 * reason is the message. False if the error must be answered over HTTP.
 */
export function refusedSocket(error: ErrandError, request: Request, response: Response): boolean {
  // All browsers send Origin, and only browsers do.
  if (request.get('origin') === undefined || !isUpgrade(request)) return false;
  const upgrade = takeSocket(request, response, () => {});
  server.handleUpgrade(request, upgrade.socket, upgrade.head, (socket) => {
    const timer = setTimeout(() => socket.terminate(), CLOSE_MS).unref();
    socket.once('close', () => clearTimeout(timer));
    socket.on('error', () => socket.terminate());
    socket.close(FIRST_OWN_CODE + STATUS_BY_CODE[error.code], fitted(error.message));
  });
  request.log.info({ code: error.code }, 'refused a WebSocket');
  return true;
}

function fitted(text: string): string {
  let end = text.length;
  while (Buffer.byteLength(text.slice(0, end)) > MAX_REASON_BYTES) end--;
  return text.slice(0, end);
}
