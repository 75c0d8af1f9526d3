import { ConnectionError, type ErrandError, makeError } from '../errors.ts';
import type { Detail } from '../records.ts';
import { parseRetryAfter } from './retry.ts';

/** A complete, successful answer. */
export type WireAnswer = { status: number; headers: Headers; body: unknown };

/**
 * Reads the JSON of an answer; undefined if it has no body. Throws the errors of reading the body, and
 * ConnectionError if it is not JSON: then a proxy has answered, or only a part has arrived.
 */
export async function readJson(response: Response): Promise<WireAnswer> {
  const { status, headers } = response;
  const text = await response.text();
  try {
    return { status, headers, body: text === '' ? undefined : JSON.parse(text) };
  } catch (cause) {
    const shown = JSON.stringify(text.slice(0, 100));
    throw new ConnectionError(`The answer is not JSON, so it may come from a proxy: ${shown}`, {
      code: 'NO_JSON',
      requestId: headers.get('x-request-id') ?? undefined,
      cause,
    });
  }
}

/** The error that an answer describes, also if a proxy has made the answer. */
export async function refusal(response: Response, where: string, requestId: string): Promise<ErrandError> {
  const { status, headers } = response;
  const text = await response.text();
  const body = parsed(text);
  const init = {
    code: body.code ?? `HTTP_${status}`,
    status,
    requestId: headers.get('x-request-id') ?? body.request_id ?? requestId,
    details: body.details,
    retryAfterMs: parseRetryAfter(headers.get('retry-after'), Date.now()),
  };
  if (body.error !== undefined) return makeError(body.error, init);
  const location = headers.get('location');
  const more =
    location === null ? '' : `, which redirects to ${location}: set baseUrl to the address of the API`;
  return makeError(`${where} was answered with ${status}${more}`, init);
}

type ErrorBody = { error?: string; code?: string; details?: Detail[]; request_id?: string };

function parsed(text: string): ErrorBody {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'error' in body) return body as ErrorBody;
  } catch {
    // The page of a proxy.
  }
  return {};
}
