import { type ErrorCode, STATUS_BY_CODE } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import type { RequestBody } from './document.ts';
import { ref } from './schemas.ts';

/** A JSON response. */
export function jsonAnswer(description: string, schema: JsonSchema, headers?: JsonSchema): JsonSchema {
  return { description, ...(headers ? { headers } : {}), content: { 'application/json': { schema } } };
}

/** The answers to a submission, of the given schema. */
export function submitAnswers(schema: JsonSchema): Record<string, JsonSchema> {
  const headers = { Location: { schema: { type: 'string' }, description: 'Where the task is' } };
  return {
    201: jsonAnswer('A new task', schema, headers),
    200: jsonAnswer('The task that was already there for this submission', schema, headers),
  };
}

/** A JSON request body with an example. */
export function jsonBody(schema: JsonSchema, example: unknown): RequestBody {
  return { required: true, content: { 'application/json': { schema, example } } };
}

type FailureStatus = (typeof STATUS_BY_CODE)[ErrorCode];

/** The error answers of an operation: those given, and what any operation may answer. */
export function failures(...statuses: FailureStatus[]): Record<string, JsonSchema> {
  return answersOf([...statuses, 400, 401, 403, 405, 408, 413, 415, 429, 500, 503]);
}

/** The same of what asks for a signature, and for no credentials: whoever has signed may do it. */
export function signedFailures(...statuses: FailureStatus[]): Record<string, JsonSchema> {
  const { 403: _forbidden, ...others } = failures(...statuses);
  return others;
}

/** The same of what the process tells of itself: it asks for no credentials and knows no limits. */
export function processFailures(...statuses: FailureStatus[]): Record<string, JsonSchema> {
  return answersOf([...statuses, 405, 500]);
}

function answersOf(statuses: FailureStatus[]): Record<string, JsonSchema> {
  const all = [...new Set(statuses)].sort();
  return Object.fromEntries(
    all.map((status) => [status, jsonAnswer(codesOf(status), ref('Error'), HEADERS[status])]),
  );
}

const header = (description: string): JsonSchema => ({ schema: { type: 'string' }, description });
const later = { 'Retry-After': header('Seconds after which trying again makes sense') };

/** What the errors of a status always come with. */
const HEADERS: { [status in FailureStatus]?: Record<string, JsonSchema> } = {
  401: {
    'WWW-Authenticate': header(
      'What credentials are wanted: RFC 6750, or where the signature of a webhook goes',
    ),
  },
  405: { Allow: header('The methods that there are') },
  408: later,
  429: { ...later, RateLimit: header('What is left of each limit, and for how long') },
  503: later,
};

function codesOf(status: FailureStatus): string {
  const codes = Object.entries(STATUS_BY_CODE).filter(([, known]) => known === status);
  return codes.map(([code]) => code).join(' or ');
}
