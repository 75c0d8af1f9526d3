import { ConnectionError, ErrandError, TimeoutError } from '../errors.ts';
import { refusal } from './answer.ts';
import { startDeadline } from './deadline.ts';
import type { ClientOptions } from './options.ts';
import { randomId } from './random_id.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

type Value = string | number | boolean | undefined;

/** The query of a request. Undefined values are left out; lists are repeated. */
export type Query = Record<string, Value | readonly Value[]>;

/** One request, as it is sent each time. */
export type Sent = {
  method: Method;
  /** Relative to the base URL, with a leading slash. */
  path: string;
  query?: Query | undefined;
  /** JSON. */
  body?: string | undefined;
  headers?: Record<string, string> | undefined;
  signal?: AbortSignal | undefined;
  /** The time that the API is asked to wait. It is added to the client's time limit. */
  extraMs?: number | undefined;
  /** Replaces that limit and its error. */
  limit?: { ms: number; tooLong: () => Error } | undefined;
};

/**
 * Sends a request once, and reads its answer within the time limit. Throws an ErrandError if the answer is
 * not a success, or the reason of the signal.
 */
export type Exchange = <T>(
  request: Sent & { signal: AbortSignal },
  credentials: Record<string, string>,
  read: (response: Response) => Promise<T>,
) => Promise<T>;

/** Makes the function that sends requests. Throws a TypeError for an invalid base URL. */
export function createExchange(options: ClientOptions): Exchange {
  const base = checkedBase(options.baseUrl);
  const { timeoutMs = 30_000 } = options;
  // Looked up at each request, because code that replaces `fetch`, for example for tracing, may run later.
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...given) => globalThis.fetch(...given));
  return async (request, credentials, read) => {
    const { method, path, body = null, signal, extraMs = 0 } = request;
    const requestId = randomId();
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
        // With automatic redirects, the API key would be sent to the new address.
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
    throw new TypeError(
      `baseUrl must be a URL such as https://errand.example.com, got ${JSON.stringify(baseUrl)}`,
    );
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

/** The message `fetch failed` explains nothing. The cause contains the reason. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || ('code' in cause ? String(cause.code) : error.message);
}
