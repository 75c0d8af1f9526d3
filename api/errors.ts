import type { NextFunction, Request, Response } from 'express';
import { type Detail, ErrandError, type ErrorCode, MAX_DETAILS, STATUS_BY_CODE } from '../core/errors.ts';
import { detail, got, valueAt } from '../core/json/json.ts';
import { isConnectionFailure, isPoolFull, isTimeout, isTransient, isUnable } from '../store/database/pool.ts';
import { requestId } from './request.ts';
import { askedToComeBack } from './streams/feed/come_back.ts';
import { refusedSocket } from './streams/feed/refuse_socket.ts';

/** How many seconds a caller should wait while Postgres is not available. */
const RETRY_AFTER_SECONDS = '2';

const failed = new WeakMap<Response, ErrandError>();

/** The error that a response carries, for metrics. */
export function errorOf(response: Response): ErrandError | undefined {
  return failed.get(response);
}

/**
 * Answers with the thrown error (specification A3). Express recognises an error handler by its four
 * parameters.
 */
export function answerError(thrown: unknown, request: Request, response: Response, next: NextFunction): void {
  // The caller has disconnected, or part of the answer has been sent: an error body cannot be sent any more.
  if (response.headersSent) {
    next(thrown);
    return;
  }
  const error = toErrandError(thrown, request);
  const status = STATUS_BY_CODE[error.code];
  failed.set(response, error);
  if (status >= 500) request.log.error({ err: thrown }, error.message);
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  if (askedToComeBack(error, request, response) || refusedSocket(error, request, response)) return;
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

/** The public form of a thrown value. It hides internal details. */
export function publicError(thrown: unknown): ErrandError {
  if (thrown instanceof ErrandError) return thrown;
  return fromPostgres(thrown) ?? new ErrandError('INTERNAL_ERROR', 'Internal server error');
}

function fromPostgres(thrown: unknown): ErrandError | null {
  const headers = { 'Retry-After': RETRY_AFTER_SECONDS };
  if (isConnectionFailure(thrown)) {
    return new ErrandError('SERVICE_UNAVAILABLE', 'The database cannot be reached at the moment: try again', {
      headers,
    });
  }
  if (isPoolFull(thrown)) {
    const message = 'All connections to the database were in use for too long: try again';
    return new ErrandError('SERVICE_UNAVAILABLE', message, { headers, reason: 'pool' });
  }
  if (isTransient(thrown) || isUnable(thrown)) {
    return new ErrandError('SERVICE_UNAVAILABLE', 'The database cannot do this at the moment: try again', {
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

/**
 * Express, the body parser and the OpenAPI validator throw errors with a status. The validator adds a list of
 * problems.
 */
function fromHttp(thrown: unknown, request: Request): ErrandError | null {
  if (!(thrown instanceof Error) || !('status' in thrown)) return null;
  const code = CODE_BY_STATUS[Number(thrown.status)];
  if (code === undefined) return null;
  const where = `${request.method} ${request.path}`;
  if (code === 'NOT_FOUND') return new ErrandError(code, `The API has no operation ${where}: see /docs`);
  if (code === 'METHOD_NOT_ALLOWED') {
    const headers = 'headers' in thrown ? allowHeader(thrown.headers) : {};
    return new ErrandError(code, `The path does not allow the method of ${where}: see /docs`, { headers });
  }
  if (code === 'PAYLOAD_TOO_LARGE') {
    const megabytes = 'limit' in thrown ? Math.round(Number(thrown.limit) / 10_485.76) / 100 : 10;
    return new ErrandError(code, `The body is too large: at most ${megabytes} MB are accepted`);
  }
  const details = validatorDetails(thrown, request);
  if (code === 'BAD_REQUEST' && details !== undefined) {
    return new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  }
  return new ErrandError(code, thrown.message);
}

/** The validator knows only the methods of the document. HEAD is allowed wherever GET is. */
function allowHeader(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null || !('Allow' in headers)) return {};
  return { Allow: String(headers.Allow).replace(/\bGET\b/, 'GET, HEAD') };
}

function validatorDetails(thrown: Error, request: Request): Detail[] | undefined {
  if (!('errors' in thrown) || !Array.isArray(thrown.errors) || thrown.errors.length === 0) return undefined;
  const { query, body, openapi } = request as Request & { openapi?: { pathParams?: unknown } };
  // The wrong value is looked up here, so that the error can show it. Values of headers are never shown.
  const roots = { path: openapi?.pathParams, query, body };
  return thrown.errors.slice(0, MAX_DETAILS).map((one: { path?: unknown; message?: unknown }) => {
    const path = String(one.path ?? '').replace(/^\/params\//, '/path/');
    return detail(path, `${String(one.message)}${got(valueAt(roots, path))}`);
  });
}
