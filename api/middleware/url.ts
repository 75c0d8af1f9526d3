import type { NextFunction, Request, Response } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { detail, got, pointerPart, textProblem } from '../../core/json/json.ts';

/**
 * Lets a request pass if its URL is valid percent-encoded UTF-8 that Postgres can store. A URL with a NUL or
 * with invalid bytes throws BAD_REQUEST, or VALIDATION_FAILED for a parameter of the query.
 */
export function checkUrl(request: Request, _response: Response, next: NextFunction): void {
  if (PLAIN.test(request.originalUrl)) {
    next();
    return;
  }
  try {
    decodeURIComponent(request.originalUrl);
  } catch {
    throw badUrl(request, 'is not valid percent-encoding of UTF-8');
  }
  const problem = textProblem(decodeURIComponent(request.path));
  if (problem !== null) throw badUrl(request, problem);
  if (request.originalUrl.includes('?')) checkQuery(request);
  next();
}

/** Nothing in it is encoded, and it has no query. */
const PLAIN = /^[\w./-]*$/;

function checkQuery(request: Request): void {
  for (const [name, value] of Object.entries(request.query)) {
    for (const text of [value].flat()) {
      const problem = typeof text === 'string' ? textProblem(text) : null;
      if (problem === null) continue;
      const details = [detail(`/query/${pointerPart(name)}`, `${problem}${got(text)}`)];
      throw new ErrandError('VALIDATION_FAILED', 'The query contains a value that cannot be used', {
        details,
      });
    }
  }
}

function badUrl(request: Request, why: string): ErrandError {
  const shown = JSON.stringify(request.originalUrl.slice(0, 256));
  return new ErrandError('BAD_REQUEST', `The URL ${shown} ${why}`);
}
