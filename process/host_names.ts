import type { RequestHandler } from 'express';
import type { Listening } from '../config/listening.ts';
import { isLoopback } from '../config/listening.ts';
import { ErrandError } from '../core/errors.ts';

/**
 * Callers of these paths may know the process only by its address. The answers contain nothing about tasks.
 */
const PROBES = new Set(['/live', '/ready', '/health', '/health/live', '/health/ready']);
/** A name or an address, with an optional port, and nothing else that a URL may have. */
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(:\d*)?$/i;

/**
 * Refuses requests for a host name that the process does not have. If the name of a foreign page is changed
 * to point to this process (DNS rebinding), its browser treats both as the same origin, so nothing else would
 * stop the page. A request without a Host does not come from a browser.
 */
export function refuseForeignHosts({ names }: Listening): RequestHandler {
  /** The last accepted name. Nearly all requests of a process have the same one. */
  let known: string | undefined;
  return (request, _response, next) => {
    const { host } = request.headers;
    if (names === null || host === undefined || host === known) return next();
    if (isOurs(host, names)) {
      known = host;
      return next();
    }
    if (PROBES.has(request.path)) return next();
    throw new ErrandError(
      'FORBIDDEN',
      `${JSON.stringify(host)} is not an allowed host name: use localhost or 127.0.0.1, or add the name to ALLOWED_HOSTS`,
    );
  };
}

function isOurs(host: string, names: readonly string[]): boolean {
  const name = HOST.exec(host)?.[1]?.toLowerCase();
  return name !== undefined && (isLoopback(name) || names.includes(name));
}
