import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import pino from 'pino';
import { onTestFinished, vi } from 'vitest';
import type { SchemaInput } from '../../../core/schema.ts';
import type { TaskContext } from '../../../core/task.ts';
import type { HttpSecrets } from '../../../tasks/http/secret_headers.ts';
import { createSender } from '../../../tasks/http/send.ts';
import type { Lookup } from '../../../tasks/http/target.ts';
import { httpRequest } from '../../../tasks/http.request.task.ts';

export const TASK_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

type Seen = {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
};

/** A real HTTP server on loopback that keeps what reaches it; it ends with the test. */
export async function startTarget(listener: RequestListener) {
  const requests: Seen[] = [];
  const sockets: net.Socket[] = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    requests.push({ method, url, headers, body: await text(request) });
    listener(request, response);
  });
  server.on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, requests, sockets, server };
}

/** Resolves when the target's first connection has ended. */
export function firstConnectionEnded({ sockets }: { sockets: net.Socket[] }): Promise<void> {
  const [socket] = sockets;
  if (socket === undefined) throw new Error('There was no connection');
  // Not `once` of node:events, which rejects when the connection ends by a reset.
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

const CHUNK_CHANNEL = 'undici:request:bodyChunkReceived';

/** Resolves when undici has read a piece of an answer's body and has handed it on. */
export function chunkReceived(): Promise<void> {
  return new Promise((resolve) => {
    const told: ChannelListener = () => {
      unsubscribe(CHUNK_CHANNEL, told);
      // It tells first and hands on in the same tick.
      setImmediate(resolve);
    };
    subscribe(CHUNK_CHANNEL, told);
  });
}

/** The context of a third attempt. */
export function contextOf(signal: AbortSignal = new AbortController().signal): TaskContext {
  const log = pino({ level: 'silent' });
  return {
    id: TASK_ID,
    attempt: 3,
    traceparent: null,
    scheduledFor: null,
    signal,
    log,
    progress: () => {},
    submit: async () => {},
  };
}

type CallOptions = {
  allowPrivate?: boolean;
  lookup?: Lookup;
  signal?: AbortSignal;
  secrets?: HttpSecrets;
};

/** Runs the handler as a runner would: the payload parsed first, private targets allowed unless said otherwise. */
export async function call(payload: SchemaInput<typeof httpRequest.payload>, options: CallOptions = {}) {
  const { allowPrivate = true, lookup, signal, secrets = new Map() } = options;
  const send = createSender({ allowPrivate, secrets, ...(lookup === undefined ? {} : { lookup }) });
  return send(httpRequest.payload.parse(payload), contextOf(signal));
}

/** What the call throws; a call that succeeds fails the test. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome) return outcome.error;
  throw new Error(`Expected a failure, got ${JSON.stringify(outcome.value)}`);
}

/**
 * Lets no connection leave loopback, should a guard under test fail, and returns the addresses that sockets
 * were about to use.
 */
export function fenceConnections(): string[] {
  const used: string[] = [];
  // Before the spies take their places.
  const plain = fenced(net.connect, used) as typeof net.connect;
  const secure = fenced(tls.connect, used) as typeof tls.connect;
  const spies = [
    vi.spyOn(net, 'connect').mockImplementation(plain),
    vi.spyOn(tls, 'connect').mockImplementation(secure),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return used;
}

function fenced(connect: (options: net.TcpNetConnectOpts) => net.Socket, used: string[]) {
  return (options: net.TcpNetConnectOpts): net.Socket => {
    const { lookup, host = '' } = options;
    if (lookup === undefined) throw new Error('A connection without the guarded lookup');
    if (net.isIP(host) !== 0) used.push(host);
    if (net.isIP(host) !== 0 && !isLoopback(host)) return new net.Socket().destroy(fencedError());
    return connect({
      ...options,
      lookup: (hostname, how, callback) =>
        lookup(hostname, how, (error, found, family) => {
          const addresses = typeof found === 'string' ? [found] : found.map(({ address }) => address);
          used.push(...addresses);
          if (addresses.every(isLoopback)) callback(error, found, family);
          else callback(fencedError(), []);
        }),
    });
  };
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

function fencedError(): Error {
  return Object.assign(new Error('would leave loopback'), { code: 'EFENCED' });
}
