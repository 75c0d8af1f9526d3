import type { IncomingMessage } from 'node:http';
import type { GivenBody } from '../api/middleware/given_body.ts';
import { ErrandError } from '../core/errors.ts';

const REMEDY = 'mount the router of Errand before the body parser';

/**
 * The body of a request whose bytes another application has read before; null if the bytes are still to come.
 * A value that its parser made is written as JSON again. Its numbers may have been rounded then: a body whose
 * numbers a double cannot hold exactly is refused, because nobody knows what was sent.
 */
export function bodyOfHost(request: IncomingMessage & { body?: unknown; rawBody?: unknown }): GivenBody | null {
  if (!request.readableDidRead || !hasBody(request)) return null;
  const { rawBody, body } = request;
  if (Buffer.isBuffer(rawBody)) return { bytes: rawBody, isExact: true };
  if (Buffer.isBuffer(body)) return { bytes: body, isExact: true };
  if (typeof body === 'string' && !isJson(request)) return { bytes: Buffer.from(body), isExact: true };
  if (body === undefined)
    return refusal(
      'INTERNAL_ERROR',
      `The application around Errand has read the body of this request and not kept it: ${REMEDY}`,
    );
  if (hasRounded(body))
    return refusal(
      'BAD_REQUEST',
      `The body has a number that the body parser of the application around Errand may have rounded: send it as text, or ${REMEDY}`,
    );
  return { bytes: Buffer.from(JSON.stringify(body)), isExact: false };
}

function refusal(code: 'INTERNAL_ERROR' | 'BAD_REQUEST', message: string): ErrandError {
  return new ErrandError(code, message);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A text that came as JSON is a JSON string. Others are what express.text() has read. */
function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/(.+\+)?json\b/i.test(headers['content-type'] ?? '');
}

function hasRounded(value: unknown): boolean {
  const left: unknown[] = [value];
  for (let one = left.pop(); left.length > 0 || one !== undefined; one = left.pop()) {
    if (typeof one === 'number' && (!Number.isFinite(one) || Math.abs(one) > Number.MAX_SAFE_INTEGER))
      return true;
    if (typeof one === 'object' && one !== null) left.push(...Object.values(one).filter((part) => part != null));
  }
  return false;
}
