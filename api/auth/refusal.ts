import { ErrandError } from '../../core/errors.ts';

/**
 * For credentials that are no good (RFC 6750, section 3). `message` goes into a header too: it is a constant, with
 * neither `"` nor `\` nor anything of what was sent. `cause` is for debugging and never told.
 */
export function refusal(message: string, cause?: unknown): ErrandError {
  const challenge = `Bearer error="invalid_token", error_description="${message}"`;
  return new ErrandError('UNAUTHORIZED', message, { headers: { 'WWW-Authenticate': challenge }, cause });
}
