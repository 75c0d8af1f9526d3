import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type CryptoKey, createRemoteJWKSet, errors, type JWSHeaderParameters } from 'jose';
import type { Config } from '../../config/schema.ts';
import { ErrandError } from '../../core/errors.ts';

/**
 * The keys that may have signed a token with this header; none when its `kid` is unknown. Throws
 * SERVICE_UNAVAILABLE when they can't be fetched.
 */
export type SigningKeys = (header: JWSHeaderParameters) => Promise<(KeyObject | CryptoKey)[]>;

/** RFC 7518, section 3.3. */
const MIN_BITS = 2_048;

const FETCH_TIMEOUT_MS = 3_000;
/** How often at most an unknown `kid` has the keys fetched anew: it can be anybody's invention. */
const COOLDOWN_MS = 5_000;
/** For how long fetched keys are used: also how long a withdrawn one is, and for how long the server may be away. */
const MAX_AGE_MS = 600_000;
const RETRY_AFTER_SECONDS = '5';

/** Where the keys come from by the configuration; null when there is neither source. Throws when one is no good. */
export function signingKeys(config: Config): SigningKeys | null {
  const { JWT_PUBLIC_KEY: pem, JWKS_URL: url } = config;
  if (pem !== undefined && url !== undefined) {
    throw new Error('JWT_PUBLIC_KEY and JWKS_URL are both set: keep one, the keys come from one place');
  }
  if (pem !== undefined) return fixedKeys(pem);
  return url === undefined ? null : publishedKeys(url);
}

/** Without a `kid` to choose by: a token is tried with each, so that keys can change. */
function fixedKeys(text: string): SigningKeys {
  const pem = text.replaceAll('\\n', '\n');
  const blocks = pem.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g) ?? [];
  if (blocks.length !== pem.split('-----BEGIN').length - 1) {
    throw unusableKey('has a PEM block that does not end as it begins');
  }
  const keys = blocks.map((block, index) => readKey(block, blocks.length === 1 ? '' : ` (key ${index + 1})`));
  return async () => keys;
}

function readKey(block: string, which: string): KeyObject {
  // Node would take the public half out of it; but it has no business here.
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY/.test(block)) {
    throw unusableKey(`holds a private key${which}: it belongs to who signs tokens, and to nobody else`);
  }
  const key = publicKeyOf(block);
  if (key === null) {
    throw unusableKey(`can't be read as PEM${which}: keep its line breaks, or write each as \\n`);
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw unusableKey(`is no RSA key${which} but ${key.asymmetricKeyType}: tokens are signed with RS256`);
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < MIN_BITS) throw unusableKey(`has ${bits} bits${which}: RS256 needs ${MIN_BITS} or more`);
  return key;
}

/** Of a certificate only the key counts: its dates and its issuer are for TLS. */
function publicKeyOf(block: string): KeyObject | null {
  try {
    return block.startsWith('-----BEGIN CERTIFICATE')
      ? new X509Certificate(block).publicKey
      : createPublicKey(block);
  } catch {
    return null;
  }
}

function unusableKey(why: string): Error {
  return new Error(`JWT_PUBLIC_KEY ${why}`);
}

function publishedKeys(address: string): SigningKeys {
  const url = URL.parse(address);
  if (url === null)
    throw new Error('JWKS_URL is no URL: it must be one like https://id.example.com/jwks.json');
  if (url.username !== '' || url.password !== '') {
    throw new Error('JWKS_URL has a user or a password in it: the keys must be readable without');
  }
  const fetched = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
  });
  return async (header) => {
    try {
      return [await fetched(header)].filter(isLongEnough);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return [];
      // A token without `kid`, and several keys: each is tried.
      if (error instanceof errors.JWKSMultipleMatchingKeys) {
        return (await Array.fromAsync(error)).filter(isLongEnough);
      }
      throw new ErrandError(
        'SERVICE_UNAVAILABLE',
        'The keys of tokens can not be fetched right now: try again',
        {
          headers: { 'Retry-After': RETRY_AFTER_SECONDS },
          cause: error,
        },
      );
    }
  };
}

function isLongEnough(key: CryptoKey): boolean {
  return 'modulusLength' in key.algorithm && Number(key.algorithm.modulusLength) >= MIN_BITS;
}
