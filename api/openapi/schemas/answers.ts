import { type ErrorCode, STATUS_BY_CODE } from '../../../core/errors.ts';
import type { JsonSchema } from '../../../core/schema.ts';
import { STATUS_CODES } from '../../../process/node_http.ts';
import { type Answer, type Operation, type Reference, type RequestBody, refTo } from './document.ts';
import { ref } from './schemas.ts';

/** A JSON response. */
export function jsonAnswer(description: string, schema: JsonSchema, headers?: Answer['headers']): Answer {
  return { description, ...(headers ? { headers } : {}), content: { 'application/json': { schema } } };
}

/** A JSON request body. Its example may be given here or be part of the schema. */
export function jsonBody(schema: JsonSchema, example?: unknown): RequestBody {
  const content = example === undefined ? { schema } : { schema, example };
  return { required: true, content: { 'application/json': content } };
}

/** The header of an answer that contains the URL of a task or a schedule. */
export const location = { Location: refTo('headers', 'Location') };

/** The answer to a submission, with the given schema. */
export function submitted(schema: JsonSchema): Answer {
  return jsonAnswer('The task that was created (201), or an existing one (200)', schema, location);
}

/**
 * The answers to a submission: 201 for a new task, 200 for an existing one. Both are the component with this
 * name.
 */
export function submitAnswers(component = 'Submitted'): Operation['responses'] {
  const answer = refTo('responses', component);
  return { 200: answer, 201: answer };
}

export type FailureStatus = (typeof STATUS_BY_CODE)[ErrorCode];

/** The error answers of an operation: the given ones, and those that any operation may give. */
export function failures(...statuses: FailureStatus[]): Operation['responses'] {
  return answersOf([...statuses, 400, 401, 403, 405, 408, 413, 415, 429, 500, 503]);
}

/**
 * The same for operations that ask for a signature instead of credentials: a valid signature gives every
 * right.
 */
export function signedFailures(...statuses: FailureStatus[]): Operation['responses'] {
  const { 403: _forbidden, ...others } = failures(...statuses);
  return others;
}

/** The same for operations about the caller alone: they need no right, and read nothing from Postgres. */
export function callerFailures(): Operation['responses'] {
  const { 403: _forbidden, 408: _late, 500: _broken, ...others } = failures();
  return others;
}

/** The same for paths about the process itself, which need no credentials and have no limits. */
export function processFailures(...statuses: FailureStatus[]): Operation['responses'] {
  return answersOf([...statuses, 405, 500]);
}

/**
 * One line for all errors, for operations that exist once per definition. `submitTask` lists the statuses.
 */
export const anyFailure: Operation['responses'] = { default: refTo('responses', 'AnyError') };

function answersOf(statuses: FailureStatus[]): Record<string, Reference> {
  const all = [...new Set(statuses)].sort();
  return Object.fromEntries(all.map((status) => [status, refTo('responses', phraseOf(status))]));
}

/** `NotFound` for 404. */
function phraseOf(status: FailureStatus): string {
  return (STATUS_CODES[status] ?? String(status)).replaceAll(' ', '');
}

const later = { 'Retry-After': refTo('headers', 'Retry-After') };

/** The headers that errors of a status always have. */
const HEADERS: { [status in FailureStatus]?: Record<string, Reference> } = {
  401: { 'WWW-Authenticate': refTo('headers', 'WWW-Authenticate') },
  405: { Allow: refTo('headers', 'Allow') },
  408: later,
  429: { ...later, RateLimit: refTo('headers', 'RateLimit') },
  503: later,
};

const header = (description: string): JsonSchema => ({ schema: { type: 'string' }, description });

/** The headers of answers. */
export const sharedHeaders: Record<string, JsonSchema> = {
  Location: header('The URL of what the answer is about: a task or a schedule'),
  Allow: header('The methods that the path allows'),
  RateLimit: header('The remaining requests of each limit, and the seconds until it resets'),
  'Retry-After': header('The number of seconds to wait before the next try'),
  'WWW-Authenticate': header(
    'The required credentials (RFC 6750), or the header for the signature of a webhook',
  ),
};

const statuses = [...new Set(Object.values(STATUS_BY_CODE))].sort();

/** The answers that operations share: each error once, and the answer to any submission. */
export const sharedAnswers: Record<string, Answer> = {
  ...Object.fromEntries(
    statuses.map((status) => [phraseOf(status), jsonAnswer(codesOf(status), ref('Error'), HEADERS[status])]),
  ),
  AnyError: anyError(),
  Submitted: submitted(ref('SubmitAnswer')),
  BatchAnswer: jsonAnswer('The outcome of each item, in order', ref('BatchAnswer')),
};

function anyError(): Answer {
  const headers: Record<string, Reference> = Object.assign({}, ...Object.values(HEADERS));
  const list = statuses.map((status) => `${status} ${codesOf(status)}`).join(', ');
  return jsonAnswer(`Any error: ${list}`, ref('Error'), headers);
}

function codesOf(status: FailureStatus): string {
  const codes = Object.entries(STATUS_BY_CODE).filter(([, known]) => known === status);
  return codes.map(([code]) => code).join(' or ');
}
