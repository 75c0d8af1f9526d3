import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { ErrandError } from '../../core/errors.ts';
import { ANONYMOUS, type Authenticate, type Credentials, type Principal, type Scope } from './principal.ts';

/**
 * What an operation asks of its caller; `open` is nothing, also with authentication on, and `signed` the signature of a
 * webhook's sender, whatever other credentials come along.
 */
export type Policy = 'open' | 'signed' | Scope;

/** Who makes a request, or why that can't be told. */
type Identity = { principal: Principal } | { refusal: unknown };

/** The token follows it. */
const BEARER_PROTOCOL = 'errand.bearer.';

const identities = new WeakMap<Request, Identity>();

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
    const principal = await authenticate(credentialsOf(request));
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

/** Says who makes a request, after something else than its credentials has told. */
export function identifyAs(request: Request, principal: Principal): void {
  identities.set(request, { principal });
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
export function authorise(request: Request, policy: Policy, openReads: boolean): void {
  const identity = identities.get(request);
  if (policy === 'open' || policy === 'signed' || identity === undefined) return;
  if ('refusal' in identity) {
    if (policy === 'read' && openReads && isSilent(request)) return;
    throw identity.refusal;
  }
  if (identity.principal.scopes.has(policy)) return;
  throw new ErrandError('FORBIDDEN', `This needs the scope ${policy}, which these credentials do not have`, {
    headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${policy}"` },
  });
}

function isSilent(request: Request): boolean {
  const { authorization, apiKey } = credentialsOf(request);
  return authorization === undefined && apiKey === undefined;
}

/** A browser can't send headers with a WebSocket, but it can offer subprotocols: one of these may be the token. */
function credentialsOf(request: Request): Credentials {
  const offered = request.get('sec-websocket-protocol')?.split(/ *, */) ?? [];
  const token = offered.find((one) => one.startsWith(BEARER_PROTOCOL))?.slice(BEARER_PROTOCOL.length);
  const authorization = request.get('authorization') ?? (token === undefined ? undefined : `Bearer ${token}`);
  return { authorization, apiKey: request.get('x-api-key') };
}
