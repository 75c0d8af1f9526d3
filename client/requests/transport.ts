import { readJson, type WireAnswer } from './answer.ts';
import type { Breaker } from './breaker.ts';
import { createCredentials } from './credentials.ts';
import { startDeadline } from './deadline.ts';
import { createExchange, type Sent } from './exchange.ts';
import type { ClientOptions } from './options.ts';
import { createRetry } from './retry.ts';

/** A request, before credentials and retries are applied. */
export type WireRequest = Sent & {
  /**
   * Whether sending it twice does no harm. Otherwise it is sent again only if it was certainly not carried
   * out. True for a GET.
   */
  repeatable?: boolean | undefined;
  /** Whether the request is part of a longer operation, which continues when the breaker opens. */
  keepsTrying?: boolean | undefined;
  /** Called before each attempt. */
  onAttempt?: (() => void) | undefined;
};

/** An answer whose body must still be read or cancelled. `end` releases the signals. */
export type OpenAnswer = { response: Response; signal: AbortSignal; end(): void };

/** The connection to the API. Both functions throw an ErrandError, or the reason of the signal. */
export type Transport = {
  /** Sends a request and reads the JSON of its answer. */
  send(request: WireRequest): Promise<WireAnswer>;
  /**
   * Sends a request and gives the answer as soon as its headers arrive. The time limit applies up to there.
   */
  open(request: WireRequest): Promise<OpenAnswer>;
};

/**
 * Makes the connection to the API: retries on the outside, then credentials, then the breaker. The breaker is given,
 * so that the dashboard, which has none, does not load one.
 */
export function createTransport(options: ClientOptions, breaker: Breaker): Transport {
  const exchange = createExchange(options);
  const retry = createRetry(options.retry);
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
      const response = await attempts(request, scope.signal, async (started) => started);
      return { response, signal: scope.signal, end: () => scope.end() };
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  return { send, open };
}
