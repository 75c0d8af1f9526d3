import type { Config } from '../../config/schema.ts';
import { apiKeyCheck } from './api_keys.ts';
import type { Authenticate, Principal } from './principal.ts';
import { refusal } from './refusal.ts';
import { rememberTokens } from './remembered.ts';

/** RFC 6750, section 2.1; the name of the scheme is case-insensitive (RFC 9110). */
const BEARER = /^Bearer +([^ ]+) *$/i;
/** Longer ones are refused before anything is done with them. */
const MAX_TOKEN_LENGTH = 8_192;

/**
 * Who may come in, by the configuration (specification A5); null when authentication is off, as it is outside of
 * production unless AUTH_ENABLED says otherwise. Throws when it is on and can't work: the message names the variable
 * and what to do, and holds no secret.
 */
export async function createAuthenticate(config: Config): Promise<Authenticate | null> {
  if (!isEnabled(config)) return null;
  // It brings a library along that nobody needs while authentication is off.
  const { tokenVerifier } = await import('./tokens.ts');
  const verifyToken = tokenVerifier(config);
  const checkApiKey = apiKeyCheck(config);
  if (verifyToken === null && checkApiKey === null) throw new Error(nothingConfigured(config));
  const ofToken = verifyToken === null ? null : rememberTokens(verifyToken);
  return async ({ authorization, apiKey }) => {
    // Which of the two would decide? Neither: it is a mistake of the caller, or of something in between.
    if (authorization !== undefined && apiKey !== undefined) {
      throw refusal('Send Authorization or X-API-Key, not both');
    }
    if (authorization !== undefined) return ofBearer(authorization, ofToken);
    if (apiKey === undefined) return null;
    if (checkApiKey === null) throw refusal('API keys are not accepted here: send a token in Authorization');
    return checkApiKey(apiKey);
  };
}

function isEnabled({ AUTH_ENABLED, NODE_ENV }: Config): boolean {
  return AUTH_ENABLED === undefined ? NODE_ENV === 'production' : AUTH_ENABLED === 'true';
}

function nothingConfigured({ AUTH_ENABLED }: Config): string {
  const why = AUTH_ENABLED === undefined ? 'NODE_ENV is production' : 'AUTH_ENABLED is true';
  return (
    `Callers must say who they are (${why}), but nothing tells how: set JWT_PUBLIC_KEY or JWKS_URL, or API_KEYS ` +
    '(`npm run token -- --help`), or AUTH_ENABLED=false to let everybody in'
  );
}

async function ofBearer(
  authorization: string,
  ofToken: ((token: string) => Promise<Principal>) | null,
): Promise<Principal> {
  if (authorization.length > MAX_TOKEN_LENGTH + 'Bearer '.length) {
    throw refusal(`The token is longer than ${MAX_TOKEN_LENGTH} characters`);
  }
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw refusal('Authorization must be Bearer and one token');
  if (token.startsWith('errand_')) throw refusal('An API key goes into the header X-API-Key');
  if (ofToken === null) throw refusal('Tokens are not accepted here: send an API key in X-API-Key');
  return ofToken(token);
}
