import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { StreamOptions } from '../../client/options.ts';
import { clientOf } from './clients.ts';

type Told = { path: string; lastEventId: string | undefined; accept: string | undefined };
export type Script = (response: ServerResponse, request: IncomingMessage, nth: number) => void;

/** A server that speaks the API's streams as a script has it. */
export async function scripted(script: Script, impatience: StreamOptions = {}) {
  const told: Told[] = [];
  let open = 0;
  const server = createServer((request, response) => {
    const { url = '', headers } = request;
    told.push({
      path: url,
      lastEventId: headers['last-event-id'] as string | undefined,
      accept: headers.accept,
    });
    script(response, request, told.length);
  });
  server.on('connection', (socket) => {
    open++;
    socket.once('close', () => {
      open--;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const streams = { firstByteMs: 30_000, silenceMs: 30_000, ...impatience };
  return { client: clientOf(url, { streams }), told, connections: () => open };
}

/** The end of a stream. */
export const END = 'event: end\ndata: {"state":"succeeded"}\n\n';

/** Begins a stream. */
export function begin(response: ServerResponse): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write('retry: 10\n\n');
  return response;
}

/** Answers with JSON. */
export function answer(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
