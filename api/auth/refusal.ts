import { ErrandError } from '../../core/errors.ts';

/**
 * The error for invalid credentials (RFC 6750, section 3). `message` also goes into a header, so it must be a
 * constant without `"`, without `\` and without anything from the request. `cause` is for debugging and is
 * never sent.
 */
export function refusal(message: string, cause?: unknown): ErrandError {
  const challenge = `Bearer error="invalid_token", error_description="${message}"`;
  return new ErrandError('UNAUTHORIZED', message, { headers: { 'WWW-Authenticate': challenge }, cause });
}
