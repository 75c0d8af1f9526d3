import { readJson, type WireAnswer } from './answer.ts';
import { createBreaker } from './breaker.ts';
import { createCredentials } from './credentials.ts';
import { startDeadline } from './deadline.ts';
import { createExchange, type Sent } from './exchange.ts';
import type { ClientOptions } from './options.ts';
import { createRetry } from './retry.ts';

/** A request, before credentials and retries. */
export type WireRequest = Sent & {
  /** Whether it does no harm twice. Else it is not sent again unless it was certainly not done. Of a GET: true. */
  repeatable?: boolean | undefined;
  /** Part of something longer, which outlasts a breaker that opens. */
  keepsTrying?: boolean | undefined;
  /** Called before each attempt. */
  onAttempt?: (() => void) | undefined;
};

/** An answer whose body is still to be read, or cancelled. `end` lets go of the signals. */
export type OpenAnswer = { response: Response; signal: AbortSignal; end(): void };

/** The way to the API. Both throw an ErrandError, or the reason of the signal. */
export type Transport = {
  /** Sends a request and reads the JSON that is answered. */
  send(request: WireRequest): Promise<WireAnswer>;
  /** Sends a request and gives the answer as soon as it begins; the time limit is for that. */
  open(request: WireRequest): Promise<OpenAnswer>;
};

/** Makes the way to the API: retries, within them the credentials, within that the breaker. */
export function createTransport(options: ClientOptions): Transport {
  const exchange = createExchange(options);
  const retry = createRetry(options.retry);
  const breaker = createBreaker(options.breaker);
  const authorize = createCredentials(options.token, options.apiKey);

  function attempts<T>(
    request: WireRequest,
    signal: AbortSignal,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const { repeatable = request.method === 'GET', keepsTrying = false } = request;
    const attempt = (): Promise<T> => {
      request.onAttempt?.();
      return authorize(
        (credentials) => breaker(() => exchange({ ...request, signal }, credentials, read), signal),
        signal,
      );
    };
    return retry(attempt, { repeatable, keepsTrying, signal });
  }

  async function send(request: WireRequest): Promise<WireAnswer> {
    const scope = startDeadline(undefined, [request.signal, options.signal]);
    try {
      return await attempts(request, scope.signal, readJson);
    } finally {
      scope.end();
    }
  }

  async function open(request: WireRequest): Promise<OpenAnswer> {
    const scope = startDeadline(undefined, [request.signal, options.signal]);
    try {
      const response = await attempts(request, scope.signal, async (begun) => begun);
      return { response, signal: scope.signal, end: () => scope.end() };
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  return { send, open };
}
