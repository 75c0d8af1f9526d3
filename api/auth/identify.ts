import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { ErrandError } from '../../core/errors.ts';
import { ANONYMOUS, type Authenticate, type Credentials, type Principal, type Scope } from './principal.ts';
import { refusal } from './refusal.ts';
import type { Tickets } from './tickets.ts';

/**
 * The rights that an operation asks of its caller. `open` asks for nothing, even with authentication on.
 * `known` asks for valid credentials, whatever their scopes. `signed` asks for the signature of a webhook's
 * sender; other credentials do not count.
 */
export type Policy = 'open' | 'known' | 'signed' | Scope;

/** The caller of a request, or the reason why it is unknown. */
type Identity = { principal: Principal } | { refusal: unknown };

/** Prefix of a WebSocket subprotocol. The token or the API key follows it. */
const BEARER_PROTOCOL = 'errand.bearer.';

const identities = new WeakMap<Request, Identity>();

/**
 * Finds out who makes a request. A failure is stored and answered later, after the rate limits, so that
 * guessing credentials is limited too. If `authenticate` is null, every caller is ANONYMOUS.
 */
export function identify(authenticate: Authenticate | null, tickets: Tickets): RequestHandler {
  if (authenticate === null) {
    return (request, _response, next) => {
      identities.set(request, NOBODY);
      next();
    };
  }
  return async (request, _response, next) => {
    identities.set(request, await identityOf(request, authenticate, tickets));
    next();
  };
}

const NOBODY: Identity = { principal: ANONYMOUS };

async function identityOf(request: Request, authenticate: Authenticate, tickets: Tickets): Promise<Identity> {
  try {
    const ticket = ticketOf(request);
    const principal =
      ticket === undefined
        ? await authenticate(credentialsOf(request))
        : await tickets.principalOf(ticket, request.path);
    return principal === null ? { refusal: unauthorized() } : { principal };
  } catch (error) {
    return { refusal: error };
  }
}

function unauthorized(): ErrandError {
  return new ErrandError(
    'UNAUTHORIZED',
    'Credentials are missing: send Authorization: Bearer <token>, or X-API-Key',
    {
      headers: { 'WWW-Authenticate': 'Bearer' },
    },
  );
}

/** The client that a request counts for: its principal, or the address that it came from. */
export function clientOf(request: Request): string {
  const identity = identities.get(request);
  const actor =
    identity !== undefined && 'principal' in identity ? identity.principal.actor : ANONYMOUS.actor;
  return actor === ANONYMOUS.actor ? addressOf(request) : actor;
}

/**
 * The address of a request. It is computed once per request, because it parses proxy headers and every limit
 * asks for it.
 */
function addressOf(request: Request): string {
  let address = addresses.get(request);
  if (address === undefined) {
    const { ip = '' } = request;
    // Only the network of an IPv6 address counts.
    address = ip.includes(':') ? ipKeyGenerator(ip) : ip;
    addresses.set(request, address);
  }
  return address;
}

const addresses = new WeakMap<Request, string>();

/**
 * Sets the caller of a request that is identified by something other than credentials, such as a signature.
 */
export function identifyAs(request: Request, principal: Principal): void {
  identities.set(request, { principal });
}

/** The caller of a request that `authorise` has let through. */
export function principalOf(request: Request): Principal {
  const identity = identities.get(request);
  return identity !== undefined && 'principal' in identity ? identity.principal : ANONYMOUS;
}

/**
 * Lets a request pass if its caller has the rights of the policy. Throws UNAUTHORIZED (RFC 6750) if
 * credentials are missing or invalid, and FORBIDDEN if they lack the scope. With `openReads`, reads need no
 * credentials, but invalid credentials are still refused.
 */
export function authorise(request: Request, policy: Policy, openReads: boolean): void {
  const identity = identities.get(request);
  if (policy === 'open' || policy === 'signed' || identity === undefined) return;
  if ('refusal' in identity) {
    if ((policy === 'read' || policy === 'known') && openReads && hasNoCredentials(request)) return;
    throw identity.refusal;
  }
  if (policy === 'known' || identity.principal.scopes.has(policy)) return;
  throw new ErrandError(
    'FORBIDDEN',
    `This operation needs the scope ${policy}, which these credentials do not have`,
    {
      headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${policy}"` },
    },
  );
}

function hasNoCredentials(request: Request): boolean {
  return hasNoHeaders(request) && ticketOf(request) === undefined;
}

function hasNoHeaders(request: Request): boolean {
  const { authorization, apiKey } = credentialsOf(request);
  return authorization === undefined && apiKey === undefined;
}

/** The ticket in the URL of a stream. Throws UNAUTHORIZED if the request has other credentials too. */
function ticketOf(request: Request): string | undefined {
  if (!request.url.includes('ticket=') || request.query.ticket === undefined) return undefined;
  if (!hasNoHeaders(request)) throw refusal('Send either a ticket or other credentials, not both');
  return String(request.query.ticket);
}

/**
 * A browser cannot send headers with a WebSocket, but it can offer subprotocols. One of them may carry the
 * token or the API key.
 */
function credentialsOf(request: Request): Credentials {
  const offered = (request.get('sec-websocket-protocol') ?? '').split(',').map((one) => one.trim());
  const token = offered.find((one) => one.startsWith(BEARER_PROTOCOL))?.slice(BEARER_PROTOCOL.length);
  const isKey = token?.startsWith('errand_') === true;
  const authorization =
    request.get('authorization') ?? (token === undefined || isKey ? undefined : `Bearer ${token}`);
  return { authorization, apiKey: request.get('x-api-key') ?? (isKey ? token : undefined) };
}
