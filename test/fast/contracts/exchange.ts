import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { textOf } from './mutations.ts';
import type { ApiRequest } from './requests.ts';

export type Received = { status: number; headers: IncomingHttpHeaders; text: string };

/** Longer waits for a task that nobody runs would only take time. */
const MAX_WAIT_SECONDS = 0.02;

const agent = new Agent({ keepAlive: true });

/** Sends a request as it is, which fetch would not, and reads the answer; of a stream of events only its start. */
export function exchange(base: string, request: ApiRequest): Promise<Received> {
  const body = textOf(request);
  const { hostname, port } = new URL(base);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        agent,
        hostname,
        port,
        method: request.method,
        path: target(request),
        headers: { ...request.headers, ...length },
      },
      (response) => {
        const { statusCode: status = 0, headers } = response;
        if (headers['content-type']?.startsWith('text/event-stream') === true) {
          const done = (chunk = Buffer.alloc(0)): void => {
            resolve({ status, headers, text: chunk.toString('utf8') });
            response.destroy();
          };
          // Of a HEAD there is nothing but its end.
          response.once('data', done).once('end', () => done());
          return;
        }
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status, headers, text: Buffer.concat(chunks).toString('utf8') }));
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The API had just closed a connection that nothing was sent on for a while: what was sent now was not read.
      if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(exchange(base, request));
      else reject(error);
    });
    sent.end(body);
  });
}

/** Path and query of a request as they are sent. */
export function target({ path, query }: ApiRequest): string {
  const parts = query.map(([name, value]) => `${name}=${isWait(name) ? shortWait(value) : value}`);
  return parts.length === 0 ? path : `${path}?${parts.join('&')}`;
}

function isWait(name: string): boolean {
  return /^wait\b/.test(name);
}

function shortWait(value: string): string {
  const seconds = Number(decodeURIComponent(/%(?![0-9a-f]{2})|%[89a-f]/i.test(value) ? 'x' : value));
  return seconds > MAX_WAIT_SECONDS && seconds <= 60 ? String(MAX_WAIT_SECONDS) : value;
}
