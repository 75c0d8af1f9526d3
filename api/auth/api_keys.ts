import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { readJsonSetting, unusable } from '../../config/json_setting.ts';
import type { Config } from '../../config/schema.ts';
import { type Principal, SCOPES } from './principal.ts';
import { refusal } from './refusal.ts';
import { ALL_NAMESPACES, NAMESPACE_PATTERN, namespacesOf, scopesOf } from './rights.ts';

/** An id has its place in the key, so that its entry is found without trying each. */
export const ID_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** `errand_<id>_<32 random bytes as base64url>`: the end has a fixed length, so an id may hold `_`. */
const KEY_PATTERN = /^errand_([a-z0-9][a-z0-9_-]{0,63})_[A-Za-z0-9_-]{43}$/;
/** What an unknown id is compared with: no text is known to have this SHA-256. */
const NO_KEY = Buffer.alloc(32);

const entrySchema = z.strictObject({
  id: z.string().regex(ID_PATTERN, `must be text that matches ${ID_PATTERN}`),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'must be 64 hex digits, the SHA-256 of the whole key')
    .transform((hex) => Buffer.from(hex, 'hex')),
  namespaces: z
    .array(
      z
        .string()
        .refine(
          (text) => text === ALL_NAMESPACES || NAMESPACE_PATTERN.test(text),
          'must be a namespace, or *',
        ),
    )
    .min(1),
  scopes: z.array(z.enum(SCOPES)).min(1),
  expires_at: z.iso
    .datetime({ offset: true, error: 'must be a time like 2027-01-31T00:00:00Z' })
    .transform((text) => Date.parse(text))
    .optional(),
});
const SETTING = {
  variable: 'API_KEYS',
  schema: z.array(entrySchema).min(1),
  like: '[{"id":"ci","hash":"…","namespaces":["billing"],"scopes":["read"]}], and `npm run token -- --api-key` makes an entry',
};

/** How a key is kept: as the SHA-256 in hex. It is as good as a slow hash for 256 random bits. */
export function hashOfKey(key: string): string {
  return digestOf(key).toString('hex');
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/**
 * Tells whose an API key is, by API_KEYS (specification A5); null when that is not set. Throws when it can't be
 * used, with everything that is wrong and nothing that is secret. The check throws UNAUTHORIZED, with the same words
 * whatever is wrong, and takes the same time for an unknown id.
 */
export function apiKeyCheck(config: Config): ((key: string) => Principal) | null {
  if (config.API_KEYS === undefined) return null;
  const entries = readEntries(config.API_KEYS);
  return (key) => {
    const entry = entries.get(KEY_PATTERN.exec(key)?.[1] ?? '');
    const isItsKey = timingSafeEqual(digestOf(key), entry?.hash ?? NO_KEY);
    if (entry === undefined || !isItsKey || (entry.expires_at ?? Number.POSITIVE_INFINITY) <= Date.now()) {
      throw refusal('The API key is unknown here, or no longer valid');
    }
    return {
      actor: `key:${entry.id}`,
      namespaces: namespacesOf(entry.namespaces),
      scopes: scopesOf(entry.scopes),
      ...(entry.expires_at === undefined ? {} : { endsAtMs: entry.expires_at }),
    };
  };
}

function readEntries(text: string): Map<string, z.output<typeof entrySchema>> {
  const given = readJsonSetting(SETTING, text);
  const entries = new Map(given.map((entry) => [entry.id, entry]));
  const repeated = given.filter((entry) => entries.get(entry.id) !== entry);
  if (repeated.length > 0) {
    throw unusable(
      SETTING,
      repeated.map(({ id }) => `the id ${id} is there more than once`),
    );
  }
  return entries;
}
