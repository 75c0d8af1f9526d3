import type { Request } from 'express';
import type { Config } from '../config/schema.ts';

/** Makes the URL of a path of the API, such as `/v1/tasks`, that a caller can use. */
export type PublicUrl = (request: Request, path: string) => string;

const MAX_PREFIX_LENGTH = 256;
/**
 * Path segments (RFC 3986), none empty. A comma is refused: several proxies that each add a prefix are joined
 * by one.
 */
const PREFIX = /^(?:\/(?:[\w.~!$&'()*+;=:@-]|%[\dA-F]{2})+)+\/?$/i;

/**
 * Gives the function that makes every API URL in answers. A proxy may have removed a prefix from the path, so
 * the path of the request may differ from the URL that the caller used. The prefix comes from PUBLIC_URL.
 * Without it, it comes from the X-Forwarded-Prefix of a proxy that TRUST_PROXY trusts, followed by the path
 * below which another application has mounted this one. Otherwise there is no prefix.
 * The page `/docs` and the `servers` of its document do not need this: they are relative to their own URL.
 */
export function publicUrls({ PUBLIC_URL }: Pick<Config, 'PUBLIC_URL'>): PublicUrl {
  if (PUBLIC_URL !== undefined) return (_request, path) => `${PUBLIC_URL}${path}`;
  return (request, path) => `${forwardedPrefix(request)}${request.baseUrl}${path}`;
}

/** The prefix without a trailing slash. Empty if no trusted proxy sends one, or if it is not a plain path. */
function forwardedPrefix(request: Request): string {
  const given = request.get('x-forwarded-prefix');
  if (given === undefined || !isTrusted(request)) return '';
  if (given.length > MAX_PREFIX_LENGTH || !PREFIX.test(given)) return '';
  // `new URL` resolves dot segments, also percent-encoded ones. If it changes the path, the prefix is
  // refused.
  return new URL(given, 'http://errand').pathname === given ? given.replace(/\/$/, '') : '';
}

/** Whether the connected peer is a trusted proxy, by the same rule that Express uses for X-Forwarded-For. */
function isTrusted({ app, socket }: Request): boolean {
  const trusts: (address: string | undefined, hop: number) => boolean = app.get('trust proxy fn');
  return trusts(socket.remoteAddress, 0);
}
