import { type IncomingHttpHeaders, type ServerResponse, request as send } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { countingServer } from './counting_server.ts';

/** A request as it came to the proxy. */
export type Seen = {
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  at: number;
};

/** What becomes of a request. */
export type Fate =
  /** It goes on to the API, and the answer comes back. */
  | 'pass'
  /** The connection breaks before the API hears of it. */
  | 'break'
  /** The API has done it, and then the connection breaks instead of an answer. */
  | 'lose-answer'
  /** The API never hears of it, and neither does the caller of anything. */
  | 'swallow'
  /** The proxy answers itself. */
  | { status: number; headers?: Record<string, string>; body?: unknown }
  /** As `pass`, later. */
  | { delayMs: number }
  /** As `pass`, but the connection breaks after so many bytes of the answer. */
  | { cutAfterBytes: number }
  /** As `pass`, but nothing of the answer comes before all of it has. */
  | 'hold-back';

export type Route = {
  url: string;
  seen: Seen[];
  /** Decides about each request; whatever it gives, the request is in `seen`. */
  decide: (request: Seen) => Fate;
  /** How many connections of callers are open. */
  connections(): number;
  /** Where what passes goes to: another one when an API was started again. */
  target: string;
};

/** An HTTP proxy before an API, to do to its callers what networks, proxies and busy servers do. */
export async function startProxy(target: string): Promise<Route> {
  const { url, connections } = await countingServer(async (request, response) => {
    const seen: Seen = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: (await buffer(request)).toString('utf8'),
      at: performance.now(),
    };
    proxy.seen.push(seen);
    await deal(proxy.decide(seen), seen, proxy.target, response);
  });
  const proxy: Route = { url, seen: [], decide: () => 'pass', connections, target };
  return proxy;
}

async function deal(fate: Fate, seen: Seen, target: string, response: ServerResponse): Promise<void> {
  if (fate === 'swallow') return;
  if (fate === 'break') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (typeof fate === 'object' && 'status' in fate) {
    const isText = typeof fate.body === 'string';
    response.writeHead(fate.status, {
      'content-type': isText ? 'text/html' : 'application/json',
      ...fate.headers,
    });
    response.end(
      isText ? fate.body : JSON.stringify(fate.body ?? { error: 'so', code: 'X', request_id: 'r' }),
    );
    return;
  }
  if (typeof fate === 'object' && 'delayMs' in fate) await pause(fate.delayMs);
  forward(fate, seen, target, response);
}

function forward(
  fate: Fate,
  { method, path, headers, body }: Seen,
  target: string,
  response: ServerResponse,
): void {
  const onward = send(`${target}${path}`, { method, headers: { ...headers, connection: 'close' } });
  const breakOff = (): void => {
    response.socket?.resetAndDestroy();
  };
  onward.once('error', breakOff);
  onward.once('response', (answer) => {
    answer.once('error', breakOff);
    if (fate === 'lose-answer') {
      answer.resume().once('end', breakOff);
      return;
    }
    if (fate === 'hold-back') {
      buffer(answer).then(
        (whole) => response.writeHead(answer.statusCode ?? 500, answer.headers).end(whole),
        breakOff,
      );
      return;
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    response.flushHeaders();
    let left =
      typeof fate === 'object' && 'cutAfterBytes' in fate ? fate.cutAfterBytes : Number.POSITIVE_INFINITY;
    answer.on('data', (bytes: Buffer) => {
      response.write(bytes.subarray(0, Math.min(bytes.length, left)));
      left -= bytes.length;
      // What was written is to arrive before the end.
      if (left <= 0) setTimeout(breakOff, 20);
    });
    answer.once('end', () => response.end());
  });
  response.once('close', () => onward.destroy());
  onward.end(body);
}
