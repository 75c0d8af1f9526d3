import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { apiListening, type ListeningSettings } from '../../config/listening.ts';
import type { Config } from '../../config/schema.ts';
import { ErrandError } from '../../core/errors.ts';
import { refuseForeignHosts } from '../../process/host_names.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export type ForeignSettings = ListeningSettings & Pick<Config, 'CORS_ORIGINS' | 'PUBLIC_URL'>;

/**
 * Used if authentication is off. Refuses requests for foreign host names, and changes by pages of other
 * origins.
 */
export function refuseForeign(config: ForeignSettings): RequestHandler[] {
  return [refuseForeignHosts(apiListening(config)), refuseForeignPages(config)];
}

/**
 * Refuses a change or a WebSocket that a page of another origin asks a browser for. Without authentication, a
 * stranger's page needs only a browser that reaches the API. A client that is not a browser sends no Origin
 * and passes. If a proxy does not forward the Host header, PUBLIC_URL names our own origin.
 */
function refuseForeignPages(config: Pick<Config, 'CORS_ORIGINS' | 'PUBLIC_URL'>): RequestHandler {
  const own = config.PUBLIC_URL === undefined ? [] : [new URL(config.PUBLIC_URL).origin];
  const allowed = [...config.CORS_ORIGINS, ...own];
  return (request, _response, next) => {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const isForeign = origin === undefined ? site === 'cross-site' : !isOwn(origin, request, allowed);
    if (!isForeign || (SAFE_METHODS.has(request.method) && !isUpgrade(request))) return next();
    throw new ErrandError(
      'FORBIDDEN',
      `Pages of ${JSON.stringify(origin ?? 'another site')} may not do this: to allow it, add their origin to CORS_ORIGINS`,
    );
  };
}

function isOwn(origin: string, request: Request, allowed: readonly string[]): boolean {
  return allowed.includes(origin) || (URL.canParse(origin) && new URL(origin).host === request.headers.host);
}

function isUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined;
}
