import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Response } from 'express';
import { ErrandError } from '../../../core/errors.ts';
import { ServerResponse } from '../../../process/node_http.ts';

type Upgrade = { socket: Socket; head: Buffer };

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/**
 * Whether a request asks for a WebSocket. A request for another protocol (h2c, sent by Java's client) is
 * answered as plain HTTP.
 */
export function wantsWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Passes requests for a WebSocket through the application like all others, so that the same state, limits,
 * credentials and log apply to them. The server must have been created with `shouldUpgradeCallback:
 * wantsWebSocket`.
 */
export function takeUpgrades(server: Server, listener: RequestListener): void {
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    upgrades.set(request, { socket: stream as Socket, head });
    passOn(request, stream as Socket, listener);
  });
}

/**
 * Passes requests for one WebSocket path of a server that is not ours through the listeners of that server, so
 * that its own middleware runs. Other requests for another protocol go to the other listeners for upgrades. If
 * there are none, they are answered as plain HTTP, as Node does without any listener.
 */
export function shareUpgrades(server: Server, path: string): void {
  const shared = paths.get(server);
  if (shared !== undefined) return void shared.add(path);
  const own = new Set([path]);
  paths.set(server, own);
  const listener: RequestListener = (request, response) => void server.emit('request', request, response);
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const isOurs = wantsWebSocket(request) && own.has(request.url?.split('?')[0] ?? '');
    if (!isOurs && server.listenerCount('upgrade') > 1) return;
    if (isOurs) upgrades.set(request, { socket: stream as Socket, head });
    passOn(request, stream as Socket, listener);
  });
}

/** The paths of WebSockets of each server that is shared. */
const paths = new WeakMap<Server, Set<string>>();

function passOn(request: IncomingMessage, socket: Socket, listener: RequestListener): void {
  socket.on('error', () => socket.destroy());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // After a refusal the connection is closed.
  response.once('finish', () => socket.end());
  listener(request as Parameters<RequestListener>[0], response as Parameters<RequestListener>[1]);
}

/** Whether a request is for a WebSocket whose connection has not been taken over yet. */
export function isUpgrade(request: IncomingMessage): boolean {
  return upgrades.has(request);
}

/**
 * Takes over the connection of a request for a WebSocket. `admit` runs before and may refuse it. Throws
 * BAD_REQUEST if the request is not for a WebSocket.
 */
export function takeSocket(request: IncomingMessage, response: Response, admit: () => void): Upgrade {
  const upgrade = upgrades.get(request);
  if (upgrade === undefined) {
    throw new ErrandError('BAD_REQUEST', 'This path accepts only WebSockets: use a WebSocket client');
  }
  admit();
  upgrades.delete(request);
  response.detachSocket(upgrade.socket);
  response.statusCode = 101;
  upgrade.socket.once('close', () => response.emit('close'));
  return upgrade;
}
