import { parse as parseUrl } from 'node:url';
import { type RequestHandler, Router } from 'express';
import { middleware } from 'express-openapi-validator';
import { compileSchemasOnce } from './compile_once.ts';
import {
  type OpenApiDocument,
  type Operation,
  type Paths,
  parametersOf,
  type RequestBody,
} from './document.ts';
import type { Parameter } from './parameters.ts';
import { compilePathsOnce } from './paths.ts';

/** The usual one takes `urn:uuid:…` too, which Postgres does not. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type DocumentV3 = Exclude<Parameters<typeof middleware>[0]['apiSpec'], string>;

/** The paths of a task of this name. */
const PATH_OF_TASK = /^\/v1\/tasks\/([^/]+)(?:\/batch)?\/?$/i;

/**
 * The middleware that validates every request against the OpenAPI document (specification A1).
 *
 * The validator tries one path of the document after the other until one fits, and each task has two. Without their
 * bodies they are all alike, so they have a validator to themselves with two paths for all names: a submission then costs
 * the same however many tasks there are, and a tenth less with the dozen that is shipped (issue 7).
 */
export function requestValidator(document: OpenApiDocument, names: readonly string[]): RequestHandler {
  compilePathsOnce();
  compileSchemasOnce();
  warnOfUrlParseOnce();
  const { ofTasks, others } = apart(document.paths, names);
  const submissions = validatorOfRequests(withRequestsAlone({ ...document, paths: ofTasks }));
  const requests = validatorOfRequests(withRequestsAlone({ ...document, paths: others }));
  const known = new Set(names);
  return (request, response, next) => {
    const name = PATH_OF_TASK.exec(request.path)?.[1];
    const isOfTask = name !== undefined && known.has(decodeURIComponent(name));
    (isOfTask ? submissions : requests)(request, response, next);
  };
}

/**
 * The validator calls `url.parse` for each request, for which Node goes through the stack each time, whether it is a package
 * that calls, until it has warned of it: a twentieth of a submission (Node 24). So it warns, once, of a call of ours, unheard.
 */
function warnOfUrlParseOnce(): void {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  parseUrl('');
  Object.assign(process, { noDeprecation });
}

/** Stands for the paths of all tasks, to which `/batch` may be added. */
export const ANY_TASK = '/v1/tasks/{name}';

function apart(paths: Paths, names: readonly string[]): { ofTasks: Paths; others: Paths } {
  const others = { ...paths };
  const ofTasks: Paths = {};
  for (const name of names) {
    for (const end of ['', '/batch']) {
      const path = `/v1/tasks/${name}${end}`;
      ofTasks[`${ANY_TASK}${end}`] ??= paths[path] ?? {};
      delete others[path];
    }
  }
  return { ofTasks, others };
}

function validatorOfRequests(document: OpenApiDocument): RequestHandler {
  const handlers = middleware({
    apiSpec: document as unknown as DocumentV3,
    validateApiSpec: false, // a test has done that
    validateSecurity: false,
    validateRequests: { allErrors: true },
    validateResponses: false,
    fileUploader: false,
    ajvFormats: { mode: 'full' },
    formats: { uuid: { type: 'string', validate: (text: string) => UUID.test(text) } },
  });
  return Router().use(handlers);
}

/**
 * The document as the validator of requests is to see it. It walks through all of it twice for each operation, so what
 * says nothing of requests is left out, and parameters are written out: they refer to nothing in `components`.
 *
 * Bodies are validated by their operations, against the same schemas, with validate.ts: the validator would
 * write the defaults of a payload into it, while the ledger holds what was sent; it would refuse a batch for one
 * item; and it would look for every error in a body of millions of parts. It takes times and other texts with
 * reserved characters in a query only when they are encoded, which nobody who types a URL does.
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
  // The validator writes into what it gets.
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
