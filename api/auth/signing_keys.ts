import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type CryptoKey, createRemoteJWKSet, errors, type JWSHeaderParameters } from 'jose';
import type { Config } from '../../config/schema.ts';
import { ErrandError } from '../../core/errors.ts';

/**
 * Finds the keys that may have signed a token with this header. Gives none if the `kid` is unknown. Throws
 * SERVICE_UNAVAILABLE if they cannot be fetched.
 */
export type SigningKeys = (header: JWSHeaderParameters) => Promise<(KeyObject | CryptoKey)[]>;

/** RFC 7518, section 3.3. */
const MIN_BITS = 2_048;

const FETCH_TIMEOUT_MS = 3_000;
/** Minimum time between two fetches because of an unknown `kid`. Anybody can invent one. */
const COOLDOWN_MS = 5_000;
/**
 * How long fetched keys are used. A withdrawn key works for this time, and the key server may be down for
 * this time.
 */
const MAX_AGE_MS = 600_000;
const RETRY_AFTER_SECONDS = '5';

/** The keys from the configured source; null if there is none. Throws if the source is unusable. */
export function signingKeys(config: Config): SigningKeys | null {
  const { JWT_PUBLIC_KEY: pem, JWKS_URL: url } = config;
  if (pem !== undefined && url !== undefined) {
    throw new Error('JWT_PUBLIC_KEY and JWKS_URL are both set: set only one');
  }
  if (pem !== undefined) return fixedKeys(pem);
  return url === undefined ? null : publishedKeys(url);
}

/** These keys have no `kid`, so each key is tried. So keys can be rotated. */
function fixedKeys(text: string): SigningKeys {
  const pem = text.replaceAll('\\n', '\n');
  const blocks = pem.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g) ?? [];
  if (blocks.length !== pem.split('-----BEGIN').length - 1) {
    throw unusableKey('contains a PEM block whose END line does not match its BEGIN line');
  }
  const keys = blocks.map((block, index) => readKey(block, blocks.length === 1 ? '' : ` (key ${index + 1})`));
  return async () => keys;
}

function readKey(block: string, which: string): KeyObject {
  // Node could derive the public key from it, but a private key must not be here.
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY/.test(block)) {
    throw unusableKey(
      `contains a private key${which}: use the public key. Only the issuer of tokens may have the private one`,
    );
  }
  const key = publicKeyOf(block);
  if (key === null) {
    throw unusableKey(`cannot be read as PEM${which}: keep its line breaks, or write each as \\n`);
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw unusableKey(
      `contains a key of the type ${key.asymmetricKeyType}${which}: use an RSA key, because tokens are signed with RS256`,
    );
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < MIN_BITS)
    throw unusableKey(`contains a key of ${bits} bits${which}: RS256 needs at least ${MIN_BITS}`);
  return key;
}

/** Only the key of a certificate is used. Its dates and its issuer are for TLS. */
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
    throw new Error('JWKS_URL is not a URL: set it to a URL such as https://id.example.com/jwks.json');
  if (url.username !== '' || url.password !== '') {
    throw new Error('JWKS_URL contains a user or a password: remove them. The keys must be readable without');
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
      // A token without a `kid`, and several keys: each key is tried.
      if (error instanceof errors.JWKSMultipleMatchingKeys) {
        return (await Array.fromAsync(error)).filter(isLongEnough);
      }
      throw new ErrandError(
        'SERVICE_UNAVAILABLE',
        'The keys that verify tokens cannot be fetched at the moment: try again',
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
