import type { BreakerOptions } from './breaker.ts';
import type { TokenSource } from './credentials.ts';
import type { RetryOptions } from './retry.ts';

/** The time limits of a stream. */
export type StreamOptions = {
  /**
   * If no answer, or no byte of it, arrives for this time, a proxy is assumed to hold the stream back. The
   * default is 10 s.
   */
  firstByteMs?: number | undefined;
  /**
   * If no byte arrives for this time, the stream is opened again. The default is 45 s, three heartbeats of
   * the API.
   */
  silenceMs?: number | undefined;
};

/** How a client reaches the API, and how long it tries. */
export type ClientOptions = {
  /**
   * The address of the API, such as `https://errand.example.com`. It may have a path if the API is behind a
   * proxy.
   */
  baseUrl: string;
  /**
   * A bearer token, or a function that gives one. The function is called before the first request, and again
   * each time the API has refused the last token (401), which it receives as an argument.
   */
  token?: TokenSource | undefined;
  /** An API key, instead of a token. */
  apiKey?: string | undefined;
  /**
   * How long one request may take, in milliseconds. Each repetition has the same time. The default is 30 s.
   */
  timeoutMs?: number | undefined;
  /** How often and how fast failed requests are sent again. `false` means never. */
  retry?: RetryOptions | false | undefined;
  /** When the client stops sending because the API has failed too often. `false` means never. */
  breaker?: BreakerOptions | false | undefined;
  /** When a stream of events counts as broken. */
  streams?: StreamOptions | undefined;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch | undefined;
  /** Ends everything that the client does. */
  signal?: AbortSignal | undefined;
};

/** The options of every call. */
export type CallOptions = {
  /** Ends the call with the reason of the signal. */
  signal?: AbortSignal | undefined;
};
