import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { ErrandError } from '../../core/errors.ts';
import { ANONYMOUS, type Authenticate, type Principal, type Scope } from './principal.ts';

/** What an operation asks of its caller; `open` is nothing, also with authentication on. */
export type Policy = 'open' | Scope;

/** Who makes a request, or why that can't be told. */
type Identity = { principal: Principal } | { refusal: unknown };

const identities = new WeakMap<Request, Identity>();
/** Requests that the policy of their route has been asked for: a path may look like that of another one, too. */
const decided = new WeakSet<Request>();

/**
 * Finds out who makes a request. A failure is remembered, not answered: rate limits come before it, so that guessing
 * is limited, too. With `authenticate` null everybody is ANONYMOUS.
 */
export function identify(authenticate: Authenticate | null): RequestHandler {
  return async (request, _response, next) => {
    identities.set(request, await identityOf(request, authenticate));
    next();
  };
}

async function identityOf(request: Request, authenticate: Authenticate | null): Promise<Identity> {
  if (authenticate === null) return { principal: ANONYMOUS };
  try {
    const credentials = { authorization: request.get('authorization'), apiKey: request.get('x-api-key') };
    const principal = await authenticate(credentials);
    return principal === null ? { refusal: unauthorized() } : { principal };
  } catch (error) {
    return { refusal: error };
  }
}

function unauthorized(): ErrandError {
  return new ErrandError('UNAUTHORIZED', 'Say who you are: Authorization: Bearer <token>, or X-API-Key', {
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

/** Who is counted for a request: its principal, or the address that it came from. */
export function clientOf(request: Request): string {
  const identity = identities.get(request);
  const actor =
    identity !== undefined && 'principal' in identity ? identity.principal.actor : ANONYMOUS.actor;
  return actor === ANONYMOUS.actor ? ipKeyGenerator(request.ip ?? '') : actor;
}

/** Who makes a request that `authorise` has let through. */
export function principalOf(request: Request): Principal {
  const identity = identities.get(request);
  return identity !== undefined && 'principal' in identity ? identity.principal : ANONYMOUS;
}

/**
 * Lets a request through whose caller may do what the policy asks for. Throws UNAUTHORIZED (RFC 6750) when it does
 * not say who it is, or can't prove it, and FORBIDDEN when it lacks the scope. With `openReads` who reads need not say who
 * they are; who says so must be right.
 */
export function authorise(policy: Policy, openReads: boolean): RequestHandler {
  return (request, _response, next) => {
    if (decided.has(request)) return next();
    decided.add(request);
    const identity = identities.get(request);
    if (policy === 'open' || identity === undefined) return next();
    if ('refusal' in identity) {
      if (policy === 'read' && openReads && isSilent(request)) return next();
      throw identity.refusal;
    }
    if (!identity.principal.scopes.has(policy)) {
      throw new ErrandError(
        'FORBIDDEN',
        `This needs the scope ${policy}, which these credentials do not have`,
        {
          headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${policy}"` },
        },
      );
    }
    next();
  };
}

function isSilent(request: Request): boolean {
  return request.get('authorization') === undefined && request.get('x-api-key') === undefined;
}
