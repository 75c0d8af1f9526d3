import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import type { Principal } from './principal.ts';
import { refusal } from './refusal.ts';
import { ALL_NAMESPACES, namespacesOf, scopesOf } from './rights.ts';
import { type SigningKeys, signingKeys } from './signing_keys.ts';

/** The only accepted algorithm (RFC 8725, section 3.1). The header of a token is not trustworthy. */
const ALGORITHM = 'RS256';
/**
 * The accepted types (RFC 9068 and RFC 7519); the type may be missing. An ID token of OpenID Connect has the
 * type JWT too: the check of `aud` refuses it.
 */
const TYPES = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'];
/** The allowed difference between the clocks of issuer and API. */
const CLOCK_TOLERANCE_SECS = 5;

/** The principal of a valid token, and when the token expires. */
export type VerifiedToken = Principal & { endsAtMs: number };

/**
 * Verifies one token. Throws UNAUTHORIZED if it is invalid, and SERVICE_UNAVAILABLE if the keys cannot be
 * fetched.
 */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

const claimsSchema = z.object({
  // `sub` is stored with every action, so it must be text that Postgres can store.
  sub: z
    .string()
    .min(1)
    .max(200)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text)),
  exp: z.number(),
  worker_namespaces: z.union([z.array(z.string()), z.literal(ALL_NAMESPACES)]).optional(),
  scope: z.string().optional(),
  jti: z.string().optional(),
});

/** The error message for each invalid claim. */
const CLAIM_PROBLEMS: Record<string, string> = {
  iss: 'The token comes from an issuer that this API does not trust',
  aud: 'The token is for another audience than this API',
  nbf: 'The token is not valid yet',
  exp: 'The token has no expiry time (exp)',
  sub: 'The token has no valid subject: sub must be 1 to 200 printable characters',
  worker_namespaces: 'The claim worker_namespaces of the token must be a list of namespaces, or *',
  jti: 'The claim jti of the token must be text',
  scope: 'The claim scope of the token must be words separated by blanks',
};

/**
 * Makes the verifier of RS256 tokens from the configuration (specification A5); null if no keys are
 * configured. Throws if the configuration is unusable, and names the variable.
 */
export function tokenVerifier(config: Config): VerifyToken | null {
  const keys = signingKeys(config);
  if (keys === null) return null;
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
  if (issuer === undefined || audience === undefined) {
    const source = config.JWKS_URL === undefined ? 'JWT_PUBLIC_KEY' : 'JWKS_URL';
    const missing = [...(issuer ? [] : ['JWT_ISSUER']), ...(audience ? [] : ['JWT_AUDIENCE'])].join(' and ');
    throw new Error(
      `${missing} must be set together with ${source}: otherwise tokens for other services would be accepted`,
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
  // The rest of the header is ignored: keys in it (jwk, x5c) or links to keys (jku, x5u) are not trusted.
  for (const key of await keys(readHeader(token))) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw whyRefused(error);
    }
  }
  throw refusal('The token is not signed with a key that this API trusts');
}

function readHeader(token: string): { alg: string; kid?: string } {
  const { alg, kid, typ } = decoded(token);
  if (alg !== ALGORITHM) throw refusal(`The token must be signed with ${ALGORITHM}`);
  if (typ !== undefined && !TYPES.includes(String(typ).toLowerCase())) {
    throw refusal('The type of the token must be JWT or at+jwt');
  }
  if (kid === undefined) return { alg };
  if (typeof kid !== 'string') throw refusal(MALFORMED);
  return { alg, kid };
}

const MALFORMED = 'The token is not a signed JWT';

function decoded(token: string): Record<string, unknown> {
  try {
    return decodeProtectedHeader(token);
  } catch (error) {
    throw refusal(MALFORMED, error);
  }
}

/** Claims are checked only after the signature, so only the holder of a genuine token sees these messages. */
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
  const { jti, sub, exp, worker_namespaces: namespaces = [], scope = '' } = data;
  return {
    actor: `user:${sub}`,
    namespaces: namespacesOf(namespaces === ALL_NAMESPACES ? [namespaces] : namespaces),
    scopes: scopesOf(scope.split(' ')),
    endsAtMs: exp * 1_000,
    ...(jti === undefined ? {} : { credential: jti }),
  };
}
