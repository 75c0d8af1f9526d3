import { refusal } from './answer.ts';
import { startDeadline } from './deadline.ts';
import { ConnectionError, ErrandError, TimeoutError } from './errors.ts';
import type { ClientOptions } from './options.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

type Value = string | number | boolean | undefined;

/** What is asked beside the path. What is undefined is left out; a list is repeated. */
export type Query = Record<string, Value | readonly Value[]>;

/** One request, as it goes out each time that it is sent. */
export type Sent = {
  method: Method;
  /** Below the base URL, from its first slash. */
  path: string;
  query?: Query | undefined;
  /** JSON. */
  body?: string | undefined;
  headers?: Record<string, string> | undefined;
  signal?: AbortSignal | undefined;
  /** Beyond the time limit of the client: what the API is asked to wait. */
  extraMs?: number | undefined;
  /** Instead of that limit, and what is thrown then. */
  limit?: { ms: number; tooLong: () => Error } | undefined;
};

/**
 * Sends a request once and reads its answer within the time limit. Throws an ErrandError for whatever is no success,
 * or the reason of the signal.
 */
export type Exchange = <T>(
  request: Sent & { signal: AbortSignal },
  credentials: Record<string, string>,
  read: (response: Response) => Promise<T>,
) => Promise<T>;

/** Makes what sends requests. Throws a TypeError for a base URL that is none. */
export function createExchange(options: ClientOptions): Exchange {
  const base = checkedBase(options.baseUrl);
  const { timeoutMs = 30_000 } = options;
  // Looked up each time: who replaces it, to trace it say, may do so later.
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...given) => globalThis.fetch(...given));
  return async (request, credentials, read) => {
    const { method, path, body = null, signal, extraMs = 0 } = request;
    const requestId = crypto.randomUUID();
    const where = `${method} ${base}${path}`;
    const ms = timeoutMs + extraMs;
    const tooLong = () =>
      new TimeoutError(`${where} took longer than ${ms} ms`, { code: 'TIMEOUT', requestId });
    const limit = request.limit ?? { ms, tooLong };
    const deadline = startDeadline(limit.ms, [signal], limit.tooLong);
    try {
      const response = await fetch(`${base}${path}${queryOf(request.query)}`, {
        method,
        headers: { ...headersOf(request, requestId), ...credentials },
        body,
        signal: deadline.signal,
        // An API key would go to wherever the answer points.
        redirect: 'manual',
      });
      if (!response.ok) throw await refusal(response, where, requestId);
      return await read(response);
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      if (error instanceof ErrandError) throw error;
      const init = { code: 'CONNECTION_FAILED', requestId, cause: error };
      throw new ConnectionError(`${where} got no answer: ${reasonOf(error)}`, init);
    } finally {
      deadline.end();
    }
  };
}

function checkedBase(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new TypeError(`baseUrl must be like https://errand.example.com, got ${JSON.stringify(baseUrl)}`);
  }
  return baseUrl.replace(/\/+$/, '');
}

function queryOf(query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== undefined) search.append(name, String(one));
  }
  return search.size === 0 ? '' : `?${search}`;
}

function headersOf({ body, headers }: Sent, requestId: string): Record<string, string> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return { accept: 'application/json', 'x-request-id': requestId, ...type, ...headers };
}

/** `fetch failed` tells nothing: what it has failed of is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || ('code' in cause ? String(cause.code) : error.message);
}
