import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express';
import type { Config } from '../../config/schema.ts';
import { ErrandError, STATUS_BY_CODE } from '../../core/errors.ts';
import { answerHeaders } from '../../process/answer_headers.ts';
import { assignRequestId } from '../../process/request_id.ts';

const HEADERS = { methods: ['GET'], allowed: [], exposed: ['Retry-After'] };

/**
 * The application around the routes of a runner, which answers as the API does (X9): a request id, the same headers,
 * and errors in the same form. `routes` take only GET and HEAD. `before` runs before them.
 */
export function likeTheApi(
  config: Pick<Config, 'CORS_ORIGINS'>,
  routes: readonly Router[],
  before: readonly RequestHandler[] = [],
): Express {
  const app = express().disable('x-powered-by').disable('etag');
  app.use(takeRequestId, answerHeaders(config, HEADERS), ...before);
  for (const one of routes) app.use(one);
  const paths = [...new Set(routes.flatMap(pathsOf))];
  app.all(paths, ({ method, path }) => {
    const message = `The path does not allow the method of ${method} ${path}`;
    throw new ErrandError('METHOD_NOT_ALLOWED', message, { headers: { Allow: 'GET, HEAD' } });
  });
  app.use(({ method, path }) => {
    const known = paths.join(', ');
    throw new ErrandError('NOT_FOUND', `The runner has no operation ${method} ${path}: it has ${known}`);
  });
  return app.use(answerError);
}

const takeRequestId: RequestHandler = (request, response, next) => {
  Object.assign(request, { id: assignRequestId(request, response) });
  next();
};

/** The paths of the routes of a router. */
function pathsOf({ stack }: Router): string[] {
  return stack.flatMap(({ route }) => route?.path ?? []);
}

const answerError: ErrorRequestHandler = (thrown, request, response, next) => {
  if (response.headersSent) {
    next(thrown);
    return;
  }
  const error =
    thrown instanceof ErrandError ? thrown : new ErrandError('INTERNAL_ERROR', 'Internal server error');
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  const { code, message } = error;
  const request_id = 'id' in request ? String(request.id) : '';
  response.status(STATUS_BY_CODE[code]).json({ error: message, code, request_id });
};
