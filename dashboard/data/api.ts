import { ErrandError } from '../../client/errors.ts';
import type { Method } from '../../client/requests/exchange.ts';
import { type RawRequest, requestJson } from '../../client/requests/raw.ts';
import { createTransport, type Transport } from '../../client/requests/transport.ts';
import { cancelTask, type OperateOptions, retryTask } from '../../client/tasks.ts';
import { saveFile } from '../parts/csv.ts';
import type { Credentials } from '../session/credentials.ts';
import { API_URL } from '../session/place.ts';

/**
 * The parts of the typed client that pages use: the first page loads no more of it. The answers are JSON in the names of
 * the API.
 */
export type Client = {
  /** The connection, for the parts of the client that a single page uses. */
  transport: Transport;
  /** Calls an operation. Throws an ErrandError, or the reason of the signal. */
  request<Answer>(method: Method, path: string, request?: RawRequest): Promise<Answer>;
  cancel(id: string, options: OperateOptions): Promise<{ message: string }>;
  retry(id: string, options: OperateOptions): Promise<{ message: string }>;
};

/** The client of the dashboard: one quick retry and no breaker, because a page that waits says nothing. */
export function clientFor(credentials: Credentials): Client {
  const options = {
    baseUrl: API_URL,
    retry: { retries: 1, initialMs: 100, maxRetryAfterMs: 1_000 },
    ...(credentials?.kind === 'key' ? { apiKey: credentials.secret } : {}),
    ...(credentials?.kind === 'token' ? { token: credentials.secret } : {}),
  };
  const transport = createTransport(options, (send) => send());
  return {
    transport,
    request: (method, path, request) => requestJson(transport, method, path, request),
    cancel: (id, given) => cancelTask(transport, id, given),
    retry: (id, given) => retryTask(transport, id, given),
  };
}

/** Whether an error means that the API cannot answer now, and may later. */
export function isAway(error: unknown): error is ErrandError {
  if (!(error instanceof ErrandError)) return false;
  if (error.status === undefined) return true;
  return error.status === 429 || error.status >= 502;
}

/** The HTTP status of an error, or undefined. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof ErrandError ? error.status : undefined;
}

/** What a user reads of an error. */
export function messageOf(error: unknown): string {
  if (error instanceof ErrandError && error.details.length > 0) {
    const all = error.details.map(({ path, message }) => `${path} ${message}`);
    return `${error.message}: ${all.slice(0, 5).join('; ')}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Saves the tasks of a filter as a file. Throws an Error if the API refuses. */
export async function downloadCsv(
  credentials: Credentials,
  filter: Record<string, string | string[] | boolean>,
): Promise<void> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter))
    for (const one of [value].flat()) query.append(name, String(one));
  const response = await fetch(`${API_URL}/v1/tasks?${query}`, {
    headers: { accept: 'text/csv', ...headersOf(credentials) },
  });
  if (!response.ok) throw new Error(`The download was answered with ${response.status}`);
  saveFile('tasks.csv', await response.blob());
}

function headersOf(credentials: Credentials): Record<string, string> {
  if (credentials === null) return {};
  const { kind, secret } = credentials;
  return kind === 'key' ? { 'x-api-key': secret } : { authorization: `Bearer ${secret}` };
}
