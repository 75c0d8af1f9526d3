import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool } from 'pg';
import { afterAll } from 'vitest';
import { type AppOptions, createApp } from '../../api/app.ts';
import { answerMalformed } from '../../api/middleware/malformed.ts';
import { takeUpgrades, wantsWebSocket } from '../../api/streams/feed/upgrade.ts';
import { appOptions } from './api_options.ts';

export type Answer = {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape, and assert what they find
  body: any;
  text: string;
};

export type TestApi = {
  url: string;
  /** Sends a request. An object or array is sent as JSON, a string or bytes unchanged. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
};

/**
 * Starts the API on a database, on a free port of loopback. Responses are checked against
 * openapi.yaml: a response that does not fit becomes a 500. Closed at the end of the file.
 */
export async function startApi(pool: Pool, options: Partial<AppOptions> = {}): Promise<TestApi> {
  const stopping = new AbortController();
  const { app } = createApp({ ...appOptions(pool, stopping.signal), ...options });
  const server = apiServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    stopping.abort();
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, call: (...parameters) => call(url, ...parameters) };
}

/** The server of an API process, before it listens. */
export function apiServer(app: RequestListener): Server {
  const server = createServer({ shouldUpgradeCallback: wantsWebSocket }, app).on(
    'clientError',
    answerMalformed,
  );
  takeUpgrades(server, app);
  return server;
}

/**
 * Sends one request to a base URL and reads the complete answer, or the start of an event stream.
 */
export async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await (isStream(response) ? startOf(response) : response.text());
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

async function startOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  return new TextDecoder().decode(value);
}
