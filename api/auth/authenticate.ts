import { createHash } from 'node:crypto';
import { isAuthenticationOn } from '../../config/listening.ts';
import type { Config } from '../../config/schema.ts';
import { apiKeyCheck, printOf, readKeys } from './api_keys.ts';
import { type Admitted, readKeyFile, type Watching } from './key_file.ts';
import type { Authenticate, Holds, Principal } from './principal.ts';
import { refusal } from './refusal.ts';
import type { VerifiedToken, VerifyToken } from './tokens.ts';

/** RFC 6750, section 2.1. The name of the scheme is case-insensitive (RFC 9110). */
const BEARER = /^Bearer +([^ ]+) *$/i;
/** Longer tokens are refused before any work is done with them. */
const MAX_TOKEN_LENGTH = 8_192;

/**
 * Makes the authentication that the configuration asks for (specification A5). Null if authentication is off;
 * this is the default outside production. Throws if it is on but cannot work: the message names the variable
 * and what to do, and contains no secret. With `watching`, API_KEYS_FILE is read again after each change.
 */
export async function createAuthenticate(config: Config, watching?: Watching): Promise<Authenticate | null> {
  if (!isAuthenticationOn(config)) return null;
  // Imported only here, because it loads a library that is not needed while authentication is off.
  const { tokenVerifier } = await import('./tokens.ts');
  const verifyToken = tokenVerifier(config);
  const admitted = admittedBy(config, watching);
  const checkApiKey = admitted === null ? null : apiKeyCheck(() => admitted().keys);
  if (verifyToken === null && checkApiKey === null) throw new Error(nothingConfigured(config));
  const ofToken = verifyToken === null ? null : rememberTokens(verifyToken);
  const holds: Holds = (principal) => admitted === null || isAdmitted(principal, admitted());
  const authenticate: Authenticate = async ({ authorization, apiKey }) => {
    // With both, it is unclear which one counts. The caller or a proxy has made a mistake.
    if (authorization !== undefined && apiKey !== undefined) {
      throw refusal('Send Authorization or X-API-Key, not both');
    }
    if (authorization !== undefined) {
      const principal = await ofBearer(authorization, ofToken);
      // Checked at each request, also for a remembered token.
      if (!holds(principal)) throw refusal('The token was revoked');
      return principal;
    }
    if (apiKey === undefined) return null;
    if (checkApiKey === null)
      throw refusal('This API does not accept API keys: send a token in Authorization');
    return checkApiKey(apiKey);
  };
  return Object.assign(authenticate, { holds });
}

/** The currently admitted keys, from a variable or a file; null if neither is set. */
function admittedBy({ API_KEYS, API_KEYS_FILE }: Config, watching?: Watching): (() => Admitted) | null {
  if (API_KEYS !== undefined && API_KEYS_FILE !== undefined) {
    throw new Error('API_KEYS and API_KEYS_FILE are both set: set only one');
  }
  if (API_KEYS_FILE !== undefined) return readKeyFile(API_KEYS_FILE, watching);
  if (API_KEYS === undefined) return null;
  const admitted: Admitted = { keys: readKeys(API_KEYS), subjects: new Set(), tokens: new Set() };
  return () => admitted;
}

/** A changed entry counts as another key: its holder must authenticate again, and then has the new rights. */
function isAdmitted({ actor, credential = '' }: Principal, { keys, subjects, tokens }: Admitted): boolean {
  const name = actor.slice(actor.indexOf(':') + 1);
  if (actor.startsWith('user:')) return !subjects.has(name) && !tokens.has(credential);
  if (!actor.startsWith('key:')) return true;
  const entry = keys.get(name);
  return entry !== undefined && printOf(entry) === credential;
}

function nothingConfigured({ AUTH_ENABLED }: Config): string {
  const why = AUTH_ENABLED === undefined ? 'NODE_ENV is production' : 'AUTH_ENABLED is true';
  return (
    `Authentication is on (${why}), but no way to authenticate is configured: set JWT_PUBLIC_KEY or JWKS_URL, or API_KEYS or ` +
    'API_KEYS_FILE (`npm run token -- --help`). To accept every caller, set AUTH_ENABLED=false'
  );
}

async function ofBearer(authorization: string, ofToken: VerifyToken | null): Promise<VerifiedToken> {
  if (authorization.length > MAX_TOKEN_LENGTH + 'Bearer '.length) {
    throw refusal(`The token is longer than ${MAX_TOKEN_LENGTH} characters`);
  }
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw refusal('Authorization must have the form: Bearer <token>');
  if (token.startsWith('errand_')) throw refusal('Send an API key in the header X-API-Key');
  if (ofToken === null) throw refusal('This API does not accept tokens: send an API key in X-API-Key');
  return ofToken(token);
}

/**
 * How long a verified token is remembered at most. The withdrawal of a signing key takes effect after this
 * time.
 */
const MAX_AGE_MS = 30_000;
const MAX_TOKENS = 1_000;

/**
 * Verifies a token only once in a while, not at each request (measured: 300 µs and 90 µs of CPU each). Only
 * valid tokens are remembered, by their SHA-256 and never beyond their `exp`. The oldest one makes room for a
 * new one.
 */
function rememberTokens(verify: VerifyToken): VerifyToken {
  const remembered = new Map<string, { principal: VerifiedToken; untilMs: number }>();

  function remember(digest: string, principal: VerifiedToken): void {
    const [oldest] = remembered.keys();
    if (remembered.size >= MAX_TOKENS && oldest !== undefined) remembered.delete(oldest);
    remembered.set(digest, { principal, untilMs: Math.min(principal.endsAtMs, Date.now() + MAX_AGE_MS) });
  }

  return async (token) => {
    const digest = createHash('sha256').update(token).digest('base64');
    const known = remembered.get(digest);
    if (known !== undefined && Date.now() < known.untilMs) return known.principal;
    remembered.delete(digest);
    const verified = await verify(token);
    remember(digest, verified);
    return verified;
  };
}
