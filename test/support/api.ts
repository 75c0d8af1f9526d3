import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll } from 'vitest';
import { createApp } from '../../api/app.ts';
import { submitInGroups } from '../../api/group.ts';
import type { Registry } from '../../core/registry.ts';
import { loadRegistry } from '../../tasks/index.ts';

export type Answer = {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape, and assert what they find
  body: any;
  text: string;
};

export type TestApi = {
  url: string;
  /** Sends a request; an object or array is sent as JSON, a string or bytes as they are. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
};

/**
 * The API over a database, listening on a free port of loopback. Responses are held against openapi.yaml: one
 * that does not fit becomes a 500. Closed when the file is done.
 */
export async function startApi(
  pool: Pool,
  registry: Registry = loadRegistry({ NODE_ENV: 'test' }),
): Promise<TestApi> {
  const stopping = new AbortController();
  const app = createApp({
    pool,
    registry,
    log: pino({ level: 'silent' }),
    submitOne: submitInGroups(pool),
    stopping: stopping.signal,
    validateResponses: true,
    probeSource: { process: 'api', isDraining: () => stopping.signal.aborted, checks: async () => [] },
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    stopping.abort();
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, call: (...parameters) => call(url, ...parameters) };
}

/** Sends one request to a base URL and reads the whole answer. */
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
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}
