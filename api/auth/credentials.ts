import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { hashOfKey } from './api_keys.ts';
import { developmentKey } from './development_key.ts';
import type { KeyOptions, TokenOptions } from './mint_options.ts';

/** The folder for files that a checkout makes for itself. It is not committed. */
const FOLDER = '.errand';
const ISSUER = 'errand-development';
const AUDIENCE = 'errand';

/** The secret that was made, and an explanation for its user. */
export type Minted = { json: Record<string, unknown>; secret: string; explanation: string };

/**
 * Signs a token with the key of this checkout. Throws in production, where an identity provider issues
 * tokens.
 */
async function mintToken(options: TokenOptions, config: Config): Promise<Minted> {
  if (config.NODE_ENV === 'production') {
    throw new Error(
      'This command makes no tokens if NODE_ENV is production: use your identity provider (JWKS_URL or JWT_PUBLIC_KEY), ' +
        'or make an API key: npm run token -- --api-key',
    );
  }
  const { privateKey, publicPem } = await developmentKey(FOLDER);
  const { JWT_ISSUER: issuer = ISSUER, JWT_AUDIENCE: audience = AUDIENCE } = config;
  const expiresAt = new Date(Date.now() + options.minutes * 60_000);
  const token = await new SignJWT({ worker_namespaces: options.namespaces, scope: options.scopes.join(' ') })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setSubject(options.sub)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(privateKey);
  const environment = {
    AUTH_ENABLED: 'true',
    JWT_PUBLIC_KEY: publicPem.trim().replaceAll('\n', '\\n'),
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
  };
  const lines = Object.entries(environment).map(([name, value]) => `${name}="${value}"`);
  return {
    secret: token,
    json: { token, expires_at: expiresAt.toISOString(), environment },
    explanation:
      `This token is valid until ${expiresAt.toISOString()}. Send it in the header ` +
      `Authorization: Bearer <token>.\nThe API accepts it with these lines in .env:\n\n${lines.join('\n')}\n`,
  };
}

/** Makes a random API key and its entry for API_KEYS. The key itself is not stored anywhere. */
function mintKey({ id, namespaces, scopes, days }: KeyOptions): Minted {
  const key = `errand_${id}_${randomBytes(32).toString('base64url')}`;
  const entry = {
    id,
    hash: hashOfKey(key),
    namespaces,
    scopes,
    ...(days === undefined ? {} : { expires_at: new Date(Date.now() + days * 86_400_000).toISOString() }),
  };
  return {
    secret: key,
    json: { key, entry },
    explanation:
      'This key is shown only once. Send it in the header X-API-Key: <key>.\n' +
      `Its entry for the list in API_KEYS:\n\n${JSON.stringify(entry)}\n\n` +
      `If it is your first key, put these lines into .env:\n\nAUTH_ENABLED="true"\nAPI_KEYS='${JSON.stringify([entry])}'\n`,
  };
}

/**
 * Makes a token for development, or an API key. Throws in production for a token, and ConfigError if the
 * configuration is invalid.
 */
export async function mint(options: TokenOptions | KeyOptions): Promise<Minted> {
  return 'id' in options ? mintKey(options) : await mintToken(options, loadConfig());
}

/** Prints the secret on stdout and everything else on stderr, or everything as JSON on stdout. */
export function printMinted(minted: Minted, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify(minted.json, null, 2)}\n`);
  } else {
    process.stderr.write(`${minted.explanation}\n`);
    process.stdout.write(`${minted.secret}\n`);
  }
}
