import type { Method, Query } from './exchange.ts';
import type { CallOptions } from './options.ts';
import type { Transport } from './transport.ts';

/** A request for an operation without a method in this client. Names are those of the HTTP API. */
export type RawRequest = CallOptions & {
  query?: Query | undefined;
  /** Any value that JSON can express. */
  body?: unknown;
  headers?: Record<string, string> | undefined;
  /** Whether it may be sent again if its outcome is unknown. By default, only a GET may. */
  repeatable?: boolean | undefined;
};

/**
 * Sends a request and gives the JSON of its answer, as it is. Throws an ErrandError, or the reason of the signal. The
 * caller says what the operation answers.
 */
export async function requestJson<Answer>(
  transport: Transport,
  method: Method,
  path: string,
  { body, ...given }: RawRequest = {},
): Promise<Answer> {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  return (await transport.send({ ...given, method, path, body: sent })).body as Answer;
}
