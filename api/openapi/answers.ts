import { type ErrorCode, STATUS_BY_CODE } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { STATUS_CODES } from '../../process/node_http.ts';
import { type Answer, type Operation, type Reference, type RequestBody, refTo } from './document.ts';
import { ref } from './schemas.ts';

/** A JSON response. */
export function jsonAnswer(description: string, schema: JsonSchema, headers?: Answer['headers']): Answer {
  return { description, ...(headers ? { headers } : {}), content: { 'application/json': { schema } } };
}

/** A JSON request body with an example, which its schema may have instead. */
export function jsonBody(schema: JsonSchema, example?: unknown): RequestBody {
  const content = example === undefined ? { schema } : { schema, example };
  return { required: true, content: { 'application/json': content } };
}

/** The header of an answer that says where a task is. */
export const location = { Location: refTo('headers', 'Location') };

/** The answer to a submission, of the given schema. */
export function submitted(schema: JsonSchema): Answer {
  return jsonAnswer('A new task (201), or a known one', schema, location);
}

/** The answers to a submission: 201 for a new task, 200 for one that was there. Both are the component of that name. */
export function submitAnswers(component = 'Submitted'): Operation['responses'] {
  const answer = refTo('responses', component);
  return { 200: answer, 201: answer };
}

type FailureStatus = (typeof STATUS_BY_CODE)[ErrorCode];

/** The error answers of an operation: those given, and what any operation may answer. */
export function failures(...statuses: FailureStatus[]): Operation['responses'] {
  return answersOf([...statuses, 400, 401, 403, 405, 408, 413, 415, 429, 500, 503]);
}

/** The same of what asks for a signature, and for no credentials: whoever has signed may do it. */
export function signedFailures(...statuses: FailureStatus[]): Operation['responses'] {
  const { 403: _forbidden, ...others } = failures(...statuses);
  return others;
}

/** The same of what the process tells of itself: it asks for no credentials and knows no limits. */
export function processFailures(...statuses: FailureStatus[]): Operation['responses'] {
  return answersOf([...statuses, 405, 500]);
}

/** The same in one line, for the operations that there are of each definition: which statuses come, `submitTask` says. */
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

/** What the errors of a status always come with. */
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
  Location: header('Where the task is'),
  Allow: header('The methods that there are'),
  RateLimit: header('What is left of each limit, and for how long'),
  'Retry-After': header('Seconds after which trying again makes sense'),
  'WWW-Authenticate': header(
    'What credentials are wanted: RFC 6750, or where the signature of a webhook goes',
  ),
};

const statuses = [...new Set(Object.values(STATUS_BY_CODE))].sort();

/** The answers that operations share: each error once, and that to a submission of any task. */
export const sharedAnswers: Record<string, Answer> = {
  ...Object.fromEntries(
    statuses.map((status) => [phraseOf(status), jsonAnswer(codesOf(status), ref('Error'), HEADERS[status])]),
  ),
  AnyError: anyError(),
  Submitted: submitted(ref('SubmitAnswer')),
  BatchAnswer: jsonAnswer('What became of each item, in order', ref('BatchAnswer')),
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
