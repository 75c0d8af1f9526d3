import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { Config } from '../config/schema.ts';

/**
 * The headers of every answer of a process: not to be cached, those against attacks on browsers, and those for the
 * pages of CORS_ORIGINS. `exposed` are headers that such pages may read, besides X-Request-Id.
 */
export function answerHeaders(
  { CORS_ORIGINS }: Pick<Config, 'CORS_ORIGINS'>,
  { methods, allowed, exposed }: { methods: string[]; allowed: string[]; exposed: string[] },
): RequestHandler[] {
  return [
    noStore,
    // TLS ends at a proxy, if anywhere. If browsers were asked for https, pages would break on a plain host.
    helmet({
      strictTransportSecurity: false,
      contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    }),
    cors({
      origin: CORS_ORIGINS,
      methods,
      allowedHeaders: ['X-Request-Id', ...allowed],
      exposedHeaders: ['X-Request-Id', ...exposed],
      credentials: true,
      maxAge: 3_600,
    }),
  ];
}

/**
 * Answers about tasks are private to their caller and soon out of date. A handler whose answer may be cached
 * overrides this.
 */
const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  next();
};
