import type { NextFunction, Request, Response } from 'express';
import { type Detail, ErrandError, type ErrorCode, MAX_DETAILS, STATUS_BY_CODE } from '../core/errors.ts';
import { detail, got, valueAt } from '../core/json.ts';
import { isConnectionFailure, isTimeout, isTransient, isUnable } from '../store/pool.ts';
import { requestId } from './request.ts';

/** Seconds that a caller is asked to wait while Postgres is away. */
const RETRY_AFTER_SECONDS = '2';

const failed = new WeakMap<Response, ErrandError>();

/** The error that a response answers with, for metrics. */
export function errorOf(response: Response): ErrandError | undefined {
  return failed.get(response);
}

/** Answers whatever was thrown (specification A3). Express knows an error handler by its four parameters. */
export function answerError(thrown: unknown, request: Request, response: Response, next: NextFunction): void {
  // The caller is gone, or half of the answer is out: nobody can be told.
  if (response.headersSent) {
    next(thrown);
    return;
  }
  const error = toErrandError(thrown, request);
  const status = STATUS_BY_CODE[error.code];
  failed.set(response, error);
  if (status >= 500) request.log.error({ err: thrown }, error.message);
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  response.status(status).json({
    error: error.message,
    code: error.code,
    ...(error.details === undefined ? {} : { details: error.details }),
    request_id: requestId(request),
  });
}

function toErrandError(thrown: unknown, request: Request): ErrandError {
  return fromHttp(thrown, request) ?? publicError(thrown);
}

/** What may be told of whatever was thrown. */
export function publicError(thrown: unknown): ErrandError {
  if (thrown instanceof ErrandError) return thrown;
  return fromPostgres(thrown) ?? new ErrandError('INTERNAL_ERROR', 'Internal server error');
}

function fromPostgres(thrown: unknown): ErrandError | null {
  const headers = { 'Retry-After': RETRY_AFTER_SECONDS };
  if (isConnectionFailure(thrown)) {
    return new ErrandError('SERVICE_UNAVAILABLE', 'The database can not be reached right now: try again', {
      headers,
    });
  }
  if (isTransient(thrown) || isUnable(thrown)) {
    return new ErrandError('SERVICE_UNAVAILABLE', 'The database can not do this right now: try again', {
      headers,
    });
  }
  if (isTimeout(thrown)) {
    return new ErrandError('REQUEST_TIMEOUT', 'The database took too long for this request and was stopped', {
      headers,
    });
  }
  if (thrown instanceof Error && 'code' in thrown && thrown.code === '23505' && 'constraint' in thrown) {
    const constraint = String(thrown.constraint);
    return new ErrandError('CONFLICT', `The change conflicts with the constraint ${constraint}`);
  }
  return null;
}

const CODE_BY_STATUS: Record<number, ErrorCode> = {
  400: 'BAD_REQUEST',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** What Express, the body parser and the OpenAPI validator throw has a status and, of the latter, a list. */
function fromHttp(thrown: unknown, request: Request): ErrandError | null {
  if (!(thrown instanceof Error) || !('status' in thrown)) return null;
  const code = CODE_BY_STATUS[Number(thrown.status)];
  if (code === undefined) return null;
  const where = `${request.method} ${request.path}`;
  if (code === 'NOT_FOUND') return new ErrandError(code, `There is nothing at ${where}: see /docs`);
  if (code === 'METHOD_NOT_ALLOWED') {
    const headers = 'headers' in thrown ? allowHeader(thrown.headers) : {};
    return new ErrandError(code, `${where} is not allowed: see /docs`, { headers });
  }
  if (code === 'PAYLOAD_TOO_LARGE') return new ErrandError(code, 'The body is too large: 10 MB are accepted');
  const details = validatorDetails(thrown, request);
  if (code === 'BAD_REQUEST' && details !== undefined) {
    return new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  }
  return new ErrandError(code, thrown.message);
}

/** The validator knows the methods of the document; HEAD goes where GET does. */
function allowHeader(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null || !('Allow' in headers)) return {};
  return { Allow: String(headers.Allow).replace(/\bGET\b/, 'GET, HEAD') };
}

function validatorDetails(thrown: Error, request: Request): Detail[] | undefined {
  if (!('errors' in thrown) || !Array.isArray(thrown.errors) || thrown.errors.length === 0) return undefined;
  const { query, body, openapi } = request as Request & { openapi?: { pathParams?: unknown } };
  // Where a wrong value is looked up, to be shown; never one of a header.
  const roots = { path: openapi?.pathParams, query, body };
  return thrown.errors.slice(0, MAX_DETAILS).map((one: { path?: unknown; message?: unknown }) => {
    const path = String(one.path ?? '').replace(/^\/params\//, '/path/');
    return detail(path, `${String(one.message)}${got(valueAt(roots, path))}`);
  });
}
