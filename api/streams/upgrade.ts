import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Response } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { ServerResponse } from '../../process/node_http.ts';

type Upgrade = { socket: Socket; head: Buffer };

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** Whether a request wants a WebSocket. What wants another protocol (h2c, by Java's client) is answered as if it did not. */
export function wantsWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Sends requests for a WebSocket through the application like any others, so that what goes for these goes for them:
 * state, limits, credentials, log. The server must have been made with `shouldUpgradeCallback: wantsWebSocket`.
 */
export function takeUpgrades(server: Server, listener: RequestListener): void {
  server.on('upgrade', (request: IncomingMessage, stream, head: Buffer) => {
    const socket = stream as Socket;
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    // Refused: there is nothing more to come on this connection.
    response.once('finish', () => socket.end());
    upgrades.set(request, { socket, head });
    listener(request as Parameters<RequestListener>[0], response as Parameters<RequestListener>[1]);
  });
}

/**
 * The connection of a request for a WebSocket, which is the caller's from now on. `admit` may still refuse it. Throws
 * BAD_REQUEST when the request is none.
 */
export function takeSocket(request: IncomingMessage, response: Response, admit: () => void): Upgrade {
  const upgrade = upgrades.get(request);
  if (upgrade === undefined) {
    throw new ErrandError('BAD_REQUEST', 'This is for WebSockets: connect with a client for these');
  }
  admit();
  response.detachSocket(upgrade.socket);
  response.statusCode = 101;
  upgrade.socket.once('close', () => response.emit('close'));
  return upgrade;
}
