import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StreamOptions } from '../../../client/requests/options.ts';
import { clientOf } from './clients.ts';
import { countingServer } from './counting_server.ts';

type Sent = { path: string; lastEventId: string | undefined; accept: string | undefined };
export type Script = (response: ServerResponse, request: IncomingMessage, nth: number) => void;

/** A server that speaks the API's streams as a script has it. */
export async function scripted(script: Script, spentBudget: StreamOptions = {}) {
  const told: Sent[] = [];
  const { url, connections } = await countingServer((request, response) => {
    const { url: path = '', headers } = request;
    told.push({
      path,
      lastEventId: headers['last-event-id'] as string | undefined,
      accept: headers.accept,
    });
    script(response, request, told.length);
  });
  const streams = { firstByteMs: 30_000, silenceMs: 30_000, ...spentBudget };
  return { client: clientOf(url, { streams }), told, connections };
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
