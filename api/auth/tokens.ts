import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import type { Principal } from './principal.ts';
import { refusal } from './refusal.ts';
import { ALL_NAMESPACES, namespacesOf, scopesOf } from './rights.ts';
import { type SigningKeys, signingKeys } from './signing_keys.ts';

/** The only algorithm (RFC 8725, section 3.1): what the header of a token says is anybody's word. */
const ALGORITHM = 'RS256';
/** RFC 9068 and RFC 7519; it may be missing. An ID token of OpenID Connect says JWT as well: `aud` keeps it out. */
const TYPES = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'];
/** By how much the clocks of issuer and API may differ. */
const CLOCK_TOLERANCE_SECS = 5;

/** What a token that holds gives, and until when. */
export type VerifiedToken = Principal & { endsAtMs: number };

/** Verifies one token. Throws UNAUTHORIZED when it is no good, SERVICE_UNAVAILABLE when its keys can't be had. */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

const claimsSchema = z.object({
  // It is stored with what was done, so it is what Postgres can hold.
  sub: z
    .string()
    .min(1)
    .max(200)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text)),
  exp: z.number(),
  worker_namespaces: z.union([z.array(z.string()), z.literal(ALL_NAMESPACES)]).optional(),
  scope: z.string().optional(),
});

/** What is wrong when a claim is not as it has to be. */
const CLAIM_PROBLEMS: Record<string, string> = {
  iss: 'The token is from another issuer than the one that is trusted here',
  aud: 'The token is for another audience than this API',
  nbf: 'The token is not valid yet',
  exp: 'The token has no time at which it expires (exp)',
  sub: 'The token does not say whose it is: sub must be 1 to 200 printable characters',
  worker_namespaces: 'The claim worker_namespaces of the token must be a list of namespaces, or *',
  scope: 'The claim scope of the token must be words with blanks between them',
};

/**
 * Verifies RS256 tokens by the configuration (specification A5); null when there are no keys for them. Throws when
 * the configuration can't be used, naming the variable.
 */
export function tokenVerifier(config: Config): VerifyToken | null {
  const keys = signingKeys(config);
  if (keys === null) return null;
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
  if (issuer === undefined || audience === undefined) {
    const source = config.JWKS_URL === undefined ? 'JWT_PUBLIC_KEY' : 'JWKS_URL';
    const missing = [...(issuer ? [] : ['JWT_ISSUER']), ...(audience ? [] : ['JWT_AUDIENCE'])].join(' and ');
    throw new Error(
      `${missing} must be set beside ${source}: else a token that was made for another service would do`,
    );
  }
  const options = {
    algorithms: [ALGORITHM],
    issuer,
    audience,
    requiredClaims: ['exp', 'sub'],
    clockTolerance: CLOCK_TOLERANCE_SECS,
  };
  return async (token) => toPrincipal(await verify(token, keys, options));
}

async function verify(token: string, keys: SigningKeys, options: JWTVerifyOptions): Promise<JWTPayload> {
  // Nothing else of the header is looked at: keys that it brings (jwk, x5c) or points to (jku, x5u) are not trusted.
  for (const key of await keys(readHeader(token))) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw whyRefused(error);
    }
  }
  throw refusal('The token is not signed with a key that is trusted here');
}

function readHeader(token: string): { alg: string; kid?: string } {
  const { alg, kid, typ } = decoded(token);
  if (alg !== ALGORITHM) throw refusal(`The token must be signed with ${ALGORITHM}`);
  if (typ !== undefined && !TYPES.includes(String(typ).toLowerCase())) {
    throw refusal('The token is of another type than JWT or at+jwt');
  }
  if (kid === undefined) return { alg };
  if (typeof kid !== 'string') throw refusal(MALFORMED);
  return { alg, kid };
}

const MALFORMED = 'The token is no signed JWT';

function decoded(token: string): Record<string, unknown> {
  try {
    return decodeProtectedHeader(token);
  } catch (error) {
    throw refusal(MALFORMED, error);
  }
}

/** Claims are looked at only when the signature holds, so their problems are told to who has a real token. */
function whyRefused(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return refusal('The token has expired: get a new one', error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refusal(CLAIM_PROBLEMS[error.claim] ?? MALFORMED, error);
  }
  return error instanceof errors.JOSEError ? refusal(MALFORMED, error) : error;
}

function toPrincipal(payload: JWTPayload): VerifiedToken {
  const { success, data, error } = claimsSchema.safeParse(payload);
  if (!success) throw refusal(CLAIM_PROBLEMS[String(error.issues[0]?.path[0])] ?? MALFORMED, error);
  const { sub, exp, worker_namespaces: namespaces = [], scope = '' } = data;
  return {
    actor: `user:${sub}`,
    namespaces: namespacesOf(namespaces === ALL_NAMESPACES ? [namespaces] : namespaces),
    scopes: scopesOf(scope.split(' ')),
    endsAtMs: exp * 1_000,
  };
}
