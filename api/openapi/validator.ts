import { parse as parseUrl } from 'node:url';
import { type Request, type RequestHandler, Router } from 'express';
import { middleware } from 'express-openapi-validator';
import { checker } from '../../core/definitions/check.ts';
import { NAME_PATTERN } from '../../core/task.ts';
import { pathsOfTask } from '../submit/submission_schema.ts';
import { compilePathsOnce, compileSchemasOnce } from './compile_once.ts';
import {
  type OpenApiDocument,
  type Operation,
  type Paths,
  parametersOf,
  type RequestBody,
} from './schemas/document.ts';
import type { Parameter } from './schemas/parameters.ts';

/** The usual format also accepts `urn:uuid:…`, which Postgres does not. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type DocumentV3 = Exclude<Parameters<typeof middleware>[0]['apiSpec'], string>;

/** Matches the paths of one task name. */
const PATH_OF_TASK = /^\/v1\/tasks\/([^/]+)(\/batch)?\/?$/i;

/** The name in the path of a task; undefined for another path. */
export function nameInPath(path: string): string | undefined {
  const name = PATH_OF_TASK.exec(path)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}

/**
 * Makes middleware that validates every request against the OpenAPI document (specification A1).
 *
 * The library tries one path of the document after the other until one matches, and each task has two paths.
 * Without their bodies, the paths of all tasks are alike. So they get their own validator, with two paths for
 * all names. Then a submission costs the same for any number of tasks, and a tenth less with the dozen
 * shipped ones (issue 7). It also validates submissions of tasks that are not in the document, because
 * other processes have registered them.
 *
 * `ofAnyTask` has the paths of ANY_TASK.
 */
export function requestValidator(
  document: OpenApiDocument,
  names: readonly string[],
  ofAnyTask: Paths,
): RequestHandler {
  compilePathsOnce();
  compileSchemasOnce();
  warnOfUrlParseOnce();
  const submissions = validatorOfRequests(withRequestsAlone({ ...document, paths: ofAnyTask }));
  const others = withoutTasks(document.paths, names);
  const requests = validatorOfRequests(withRequestsAlone({ ...document, paths: others }));
  const fitsPlainly = plainSubmission(ofAnyTask);
  const known = new Set(names);
  const isTask = (name: string, method: string): boolean =>
    known.has(name) || (method === 'POST' && NAME_PATTERN.test(name));
  return (request, response, next) => {
    const name = nameInPath(request.path);
    const isTaskPath = name !== undefined && isTask(name, request.method);
    if (isTaskPath && fitsPlainly(request)) return next();
    (isTaskPath ? submissions : requests)(request, response, next);
  };
}

/**
 * Makes the check that a request is a submission as nearly all are: a POST with an object as its body, with no
 * query, and with headers as the document wants them. Then the library would find nothing, and its search took a
 * twentieth of the CPU of a submission (issue 21). For all other requests it decides, and words the errors.
 */
function plainSubmission(ofAnyTask: Paths): (request: Request) => boolean {
  const parameters = ofAnyTask[ANY_TASK]?.post?.parameters ?? [];
  const ofHeaders = parameters.flatMap((one) => ('in' in one && one.in === 'header' ? [one] : []));
  const checkHeaders = checker({
    type: 'object',
    properties: Object.fromEntries(ofHeaders.map(({ name, schema }) => [name.toLowerCase(), schema])),
    required: ofHeaders.flatMap(({ name, required }) => (required === true ? [name.toLowerCase()] : [])),
  });
  return (request) =>
    request.method === 'POST' &&
    !request.originalUrl.includes('?') &&
    PATH_OF_TASK.exec(request.path)?.[2] === undefined &&
    typeof request.body === 'object' &&
    request.body !== null &&
    checkHeaders(request.headers, '', 1).length === 0;
}

/**
 * Uses up a deprecation warning of Node. The validator calls `url.parse` for each request. Until Node has
 * warned of it once, each call inspects the stack to see whether a package calls; this was a twentieth of the
 * cost of a submission (Node 24). So we call it once ourselves, with the warning suppressed.
 */
function warnOfUrlParseOnce(): void {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  parseUrl('');
  Object.assign(process, { noDeprecation });
}

/** The name that stands for all tasks, and its path. `/batch` may follow it. */
export const ANY_NAME = '{name}';
export const ANY_TASK = `/v1/tasks/${ANY_NAME}`;

function withoutTasks(paths: Paths, names: readonly string[]): Paths {
  const others = { ...paths };
  for (const name of names) for (const path of pathsOfTask(name)) delete others[path];
  return others;
}

function validatorOfRequests(document: OpenApiDocument): RequestHandler {
  const handlers = middleware({
    apiSpec: document as unknown as DocumentV3,
    validateApiSpec: false, // a test does this
    validateSecurity: false,
    validateRequests: { allErrors: true },
    validateResponses: false,
    fileUploader: false,
    // Below a path of another application, the original URL has that path too, and nothing would match.
    useRequestUrl: true,
    ajvFormats: { mode: 'full' },
    formats: { uuid: { type: 'string', validate: (text: string) => UUID.test(text) } },
  });
  return Router().use(handlers);
}

/**
 * The document in the form that the validator of requests needs. The library walks through it twice per
 * operation. So everything that does not concern requests is left out, and parameters are written out instead
 * of referring to `components`.
 *
 * Operations validate their bodies themselves, against the same schemas. The library would write the defaults
 * of a payload into it, but the ledger stores what was sent. It would refuse a batch because of one item. And
 * it would collect every error in a body with millions of parts. `allowReserved` makes it accept reserved
 * characters in a query, for example in times, because people who type a URL do not encode them.
 */
function withRequestsAlone({ paths, ...document }: OpenApiDocument): OpenApiDocument {
  const components = { schemas: {}, responses: {}, parameters: {}, headers: {}, securitySchemes: {} };
  const asSeen = ({ operationId, parameters, requestBody }: Operation): Operation => ({
    operationId,
    ...(parameters && { parameters: parametersOf(document, { parameters }).map(unreserved) }),
    ...(requestBody && { requestBody: withoutSchemas(requestBody) }),
    responses: {},
  });
  const seen = mapValues(paths, (methods) => mapValues(methods, asSeen));
  // Copied, because the library changes its argument.
  return structuredClone({ ...document, components, paths: seen });
}

function unreserved(parameter: Parameter): Parameter {
  return parameter.in === 'query' ? Object.assign({ allowReserved: true }, parameter) : parameter;
}

function withoutSchemas({ required, content }: RequestBody): RequestBody {
  return { required, content: mapValues(content, () => ({ schema: {} })) };
}

function mapValues<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
