import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { answerOf, type OpenApiDocument, placeOfAnswer } from '../../../api/openapi/schemas/document.ts';
import { STATUS_BY_CODE } from '../../../core/errors.ts';
import type { Received } from '../../fast/contracts/exchange.ts';
import { type ApiRequest, type Located, operationsOf } from '../../fast/contracts/requests.ts';

/** What may be answered before it is known which operation a request is for, if for any. */
const WITHOUT_OPERATION = [400, 404, 405, 413, 415];

/** What is wrong with an answer by the document; null when nothing is. */
export type Contract = (request: ApiRequest, received: Received) => string | null;

/** What is wrong with a JSON text by the schema at a pointer of a document; null when nothing is. */
export type SchemaCheck = (pointer: string, text: string) => string | null;

/** Holds JSON against the schemas of a document, with a validator of its own: not the one that the API has. */
export function schemaCheckOf(document: OpenApiDocument): SchemaCheck {
  const ajv = new Ajv2020({ strict: false, logger: false });
  formats.default(ajv);
  ajv.addSchema({ ...document, $id: 'document:' });
  const compiled = new Map<string, ValidateFunction>();
  return (pointer, text) => {
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `document:#${pointer}` });
    compiled.set(pointer, validate);
    return validate(JSON.parse(text)) ? null : `does not fit ${pointer}: ${ajv.errorsText(validate.errors)}`;
  };
}

/** Holds answers against a document. */
export function contractOf(document: OpenApiDocument): Contract {
  const operations = operationsOf(document);
  const complaint = schemaCheckOf(document);
  return (request, received) => {
    const { status, headers, text } = received;
    const type = headers['content-type']?.split(';')[0] ?? '';
    const { met, isExact } = metBy(operations, request);
    if (status >= 500) return `is a ${status}`;
    // What only a conditional request gets (RFC 9110, 15.4.5) is HTTP's own: no operation needs to say it.
    if (status === 304 && met.length > 0 && 'if-none-match' in request.headers) return null;
    const isOptions = request.method === 'OPTIONS' && (status === 200 || status === 204);
    if (met.length === 0 && isOptions) return null;
    const known = met.filter(({ path, method }) => answerOf(document, [path, method], status) !== undefined);
    const isDocumented = known.length > 0;
    if (!isDocumented && (isExact || !WITHOUT_OPERATION.includes(status))) {
      return `has the status ${status}, which ${met.map(({ operation }) => operation.operationId)} does not document`;
    }
    if (request.method === 'HEAD') return text === '' ? null : 'has a body after a HEAD';
    if (status >= 400)
      return type === 'application/json' ? errorProblem(status, text, complaint) : `is ${type}`;
    const problems = known.map(({ path, method }) => {
      const content = answerOf(document, [path, method], status)?.content;
      if (content === undefined) return text === '' ? null : 'has a body, and none is documented';
      if (content[type] === undefined) return `has the content type ${type}, which is not documented`;
      if (type !== 'application/json') return null;
      return complaint(schemaPointer(document, { path, method }, status, type), text);
    });
    return problems.includes(null) ? null : problems.join('; ');
  };
}

/** Where a document has the schema of an answer. */
export function schemaPointer(
  document: OpenApiDocument,
  { path, method }: { path: string; method: string },
  status: number,
  type: string,
): string {
  const parts = [
    ...(placeOfAnswer(document, [path, method], status) ?? ['nowhere']),
    'content',
    type,
    'schema',
  ];
  return parts.map((part) => `/${pointerPart(part)}`).join('');
}

function pointerPart(key: string): string {
  return encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/**
 * The operations that a request may be for; a parameter is any one part. Express takes a path in any case and with a
 * slash at its end, the document does not say so: there may be an answer to the operation, or none.
 */
function metBy(operations: Located[], request: ApiRequest): { met: Located[]; isExact: boolean } {
  const asked = request.method === 'HEAD' ? 'get' : request.method.toLowerCase();
  const parts = request.path.split('/').map(decoded);
  const withMethod = operations.filter(({ method }) => method === asked);
  const exact = withMethod.filter(({ path }) => fits(path, parts));
  if (exact.length === 0) {
    const lower = request.path
      .toLowerCase()
      .replace(/(?<=.)\/$/, '')
      .split('/')
      .map(decoded);
    return { met: withMethod.filter(({ path }) => fits(path.toLowerCase(), lower)), isExact: false };
  }
  // `/v1/tasks/stats` is no `/v1/tasks/{id}`.
  const literal = exact.filter(({ path }) => !path.includes('{'));
  return { met: literal.length > 0 ? literal : exact, isExact: true };
}

function fits(path: string, parts: string[]): boolean {
  const wanted = path.split('/');
  return (
    parts.length === wanted.length &&
    wanted.every((part, index) => (/\{\w+\}/.test(part) ? parts[index] !== '' : parts[index] === part))
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What is wrong with an answer that is an error: its shape, or a code that has another status. */
export function errorProblem(status: number, text: string, complaint: SchemaCheck): string | null {
  const problem = complaint('/components/schemas/Error', text);
  if (problem !== null) return problem;
  const { code } = JSON.parse(text) as { code: keyof typeof STATUS_BY_CODE };
  return STATUS_BY_CODE[code] === status ? null : `has the status ${status} with the code ${code}`;
}
