import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type JsonSetting, readJsonSetting, unusable } from '../../config/json_setting.ts';
import { type Principal, SCOPES } from './principal.ts';
import { refusal } from './refusal.ts';
import { ALL_NAMESPACES, NAMESPACE_PATTERN, namespacesOf, scopesOf } from './rights.ts';

/** The id of a key is part of the key, so that its entry is found at once. */
export const ID_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/**
 * `errand_<id>_<32 random bytes as base64url>`. The last part has a fixed length, so an id may contain `_`.
 */
const KEY_PATTERN = /^errand_([a-z0-9][a-z0-9_-]{0,63})_[A-Za-z0-9_-]{43}$/;
/** An unknown id is compared with this. No text is known to have this SHA-256. */
const NO_KEY = Buffer.alloc(32);

/** One entry of a list of keys. */
export const entrySchema = z.strictObject({
  id: z.string().regex(ID_PATTERN, `must be text that matches ${ID_PATTERN}`),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'must be 64 hex digits, the SHA-256 of the complete key')
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
  like: '[{"id":"ci","hash":"…","namespaces":["billing"],"scopes":["read"]}], made by `npm run token -- --api-key`',
};

/** The stored form of a key: its SHA-256 in hex. For 256 random bits this is as safe as a slow hash. */
export function hashOfKey(key: string): string {
  return digestOf(key).toString('hex');
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The configured entry of an API key. */
export type KeyEntry = z.output<typeof entrySchema>;

/**
 * Makes the check of API keys against the current entries (specification A5). The check gives the key's
 * principal. It throws UNAUTHORIZED with the same message for every cause, and takes the same time for an
 * unknown id.
 */
export function apiKeyCheck(entriesNow: () => ReadonlyMap<string, KeyEntry>): (key: string) => Principal {
  return (key) => {
    const entry = entriesNow().get(KEY_PATTERN.exec(key)?.[1] ?? '');
    const isItsKey = timingSafeEqual(digestOf(key), entry?.hash ?? NO_KEY);
    if (entry === undefined || !isItsKey || (entry.expires_at ?? Number.POSITIVE_INFINITY) <= Date.now()) {
      throw refusal('The API key is unknown or no longer valid');
    }
    return {
      actor: `key:${entry.id}`,
      namespaces: namespacesOf(entry.namespaces),
      scopes: scopesOf(entry.scopes),
      credential: printOf(entry),
      ...(entry.expires_at === undefined ? {} : { endsAtMs: entry.expires_at }),
    };
  };
}

/** A fingerprint of an entry. It changes if the key, the rights or the expiry of the same id change. */
export function printOf(entry: KeyEntry): string {
  return digestOf(JSON.stringify(entry)).toString('base64url').slice(0, 22);
}

/** The keys of API_KEYS. If the text is unusable, throws with every problem but without secrets. */
export function readKeys(text: string): Map<string, KeyEntry> {
  return byId(SETTING, readJsonSetting(SETTING, text));
}

/** The keys by their ids. Throws if an id occurs twice. */
export function byId(setting: JsonSetting<unknown>, given: readonly KeyEntry[]): Map<string, KeyEntry> {
  const entries = new Map(given.map((entry) => [entry.id, entry]));
  const repeated = given.filter((entry) => entries.get(entry.id) !== entry);
  if (repeated.length === 0) return entries;
  throw unusable(
    setting,
    repeated.map(({ id }) => `the id ${id} occurs more than once`),
  );
}
