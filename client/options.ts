import type { BreakerOptions } from './breaker.ts';
import type { TokenSource } from './credentials.ts';
import type { RetryOptions } from './retry.ts';

/** How patient a stream is. */
export type StreamOptions = {
  /** With no answer for so long, or no byte of it, it is taken for held back by a proxy: 10 s. */
  firstByteMs?: number | undefined;
  /** With no byte for so long it is opened anew: 45 s, three heartbeats of the API. */
  silenceMs?: number | undefined;
};

/** How a client reaches the API, and how long it tries. */
export type ClientOptions = {
  /** Where the API is, such as `https://errand.example.com`; may have a path, when it is behind a proxy. */
  baseUrl: string;
  /**
   * A bearer token, or what gives one: it is asked before the first request, and once more whenever the API has
   * refused its last one (401), which it then gets to see.
   */
  token?: TokenSource | undefined;
  /** An API key, instead of a token. */
  apiKey?: string | undefined;
  /** How long one request may take, each of its repetitions anew: 30 s. */
  timeoutMs?: number | undefined;
  /** How often and how fast what failed is sent again; `false`: never. */
  retry?: RetryOptions | false | undefined;
  /** When the API is left alone because it has failed too often; `false`: never. */
  breaker?: BreakerOptions | false | undefined;
  /** When a stream of events is taken for broken. */
  streams?: StreamOptions | undefined;
  /** Instead of the `fetch` that is there. */
  fetch?: typeof fetch | undefined;
  /** Ends all that the client does. */
  signal?: AbortSignal | undefined;
};

/** What every call takes. */
export type CallOptions = {
  /** Ends the call, with the reason of the signal. */
  signal?: AbortSignal | undefined;
};
