import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { createAuthenticate } from '../../../../api/auth/authenticate.ts';
import type { Authenticate, Principal } from '../../../../api/auth/principal.ts';
import { parseConfig } from '../../../../config/load.ts';
import { ErrandError } from '../../../../core/errors.ts';

const ISSUER = 'https://id.example.com/';
const AUDIENCE = 'errand';
/** What a configuration with keys for tokens has beside them. */
export const TRUST = { AUTH_ENABLED: 'true', JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE };

export type Pair = { privateKey: KeyObject; publicKey: KeyObject; pem: string };

/** An RSA key pair, and the public half as PEM. */
export function makePair(bits = 2_048): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { privateKey, publicKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

/** A key, and its entry as it stands in API_KEYS. */
export function makeKey(id: string, entry: object = {}): { key: string; entry: object } {
  const key = `errand_${id}_${randomBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(key).digest('hex');
  return { key, entry: { id, hash, namespaces: ['billing'], scopes: ['read', 'submit'], ...entry } };
}

/** Seconds since 1970, `ahead` of now. */
export function inSeconds(ahead: number): number {
  return Math.floor(Date.now() / 1_000) + ahead;
}

/** Claims that are fine, for a token of alice that may read in billing. */
export function claims(changed: JWTPayload = {}): JWTPayload {
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'alice',
    exp: inSeconds(600),
    worker_namespaces: ['billing'],
    scope: 'read',
    ...changed,
  };
}

/** Signs claims with this key; what is undefined among them is left out. */
export function sign(
  key: KeyObject | Uint8Array,
  payload: JWTPayload = claims(),
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(JSON.parse(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...header })
    .sign(key);
}

/** A token as anybody can write one: header, claims and signature are taken as they are. */
export function forge(header: unknown, payload: unknown, signature = ''): string {
  const encoded = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return [...encoded, signature].join('.');
}

/** What a configuration of these variables lets in. Throws when it lets in everybody. */
export async function authenticator(environment: Record<string, string>): Promise<Authenticate> {
  const authenticate = await createAuthenticate(parseConfig(environment));
  if (authenticate === null) throw new Error('Authentication is off');
  return authenticate;
}

/** The principal of a bearer token. */
export function byToken(authenticate: Authenticate, token: string): Promise<Principal | null> {
  return authenticate({ authorization: `Bearer ${token}`, apiKey: undefined });
}

/** The principal of an API key. */
export function byKey(authenticate: Authenticate, apiKey: string): Promise<Principal | null> {
  return authenticate({ authorization: undefined, apiKey });
}

/** The ErrandError that this ends with. Throws when it ends otherwise. */
export async function errorOf(work: Promise<unknown>): Promise<ErrandError> {
  const thrown = await work.then(
    (value) => new Error(`It was not refused, but gave ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (thrown instanceof ErrandError) return thrown;
  throw thrown;
}
