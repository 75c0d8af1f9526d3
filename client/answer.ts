import { ConnectionError, type ErrandError, makeError } from './errors.ts';
import type { Detail } from './records.ts';
import { parseRetryAfter } from './retry.ts';

/** An answer that is a success, whole. */
export type WireAnswer = { status: number; headers: Headers; body: unknown };

/**
 * Reads the JSON of an answer, undefined when there is none. Throws what the reading of the body throws, and
 * ConnectionError when it is no JSON: then something else has answered, or only a part has arrived.
 */
export async function readJson(response: Response): Promise<WireAnswer> {
  const { status, headers } = response;
  const text = await response.text();
  try {
    return { status, headers, body: text === '' ? undefined : JSON.parse(text) };
  } catch (cause) {
    const shown = JSON.stringify(text.slice(0, 100));
    throw new ConnectionError(`The answer is no JSON: ${shown}`, {
      code: 'NO_JSON',
      requestId: headers.get('x-request-id') ?? undefined,
      cause,
    });
  }
}

/** The error that an answer tells, also when something between here and the API has made it. */
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
  const more = location === null ? '' : `, which points to ${location}: baseUrl has to be where the API is`;
  return makeError(`${where} was answered ${status}${more}`, init);
}

type ErrorBody = { error?: string; code?: string; details?: Detail[]; request_id?: string };

function parsed(text: string): ErrorBody {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'error' in body) return body as ErrorBody;
  } catch {
    // A proxy's page.
  }
  return {};
}
