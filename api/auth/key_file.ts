import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { z } from 'zod';
import { readJsonSetting } from '../../config/json_setting.ts';
import { byId, entrySchema, type KeyEntry } from './api_keys.ts';

/**
 * How soon a change takes effect. The file is read each time: it is small, and it may be a symbolic link that
 * gets replaced.
 */
const LOOK_EVERY_MS = 1_000;

const revokedSchema = z.strictObject({
  subjects: z.array(z.string().min(1)).default([]),
  tokens: z.array(z.string().min(1)).default([]),
});
const SETTING = {
  variable: 'API_KEYS_FILE',
  // A list of keys, as in API_KEYS, or an object. It may contain no keys, so that the last key can be
  // revoked.
  schema: z.preprocess(
    (given) => (Array.isArray(given) ? { keys: given } : given),
    z.strictObject({ keys: z.array(entrySchema).default([]), revoked: revokedSchema.prefault({}) }),
  ),
  like: '{"keys":[{"id":"ci","hash":"…","namespaces":["billing"],"scopes":["read"]}],"revoked":{"subjects":["ann"],"tokens":["<jti>"]}}',
};

/** The content of such a file: API keys, and revoked tokens by their `sub` and their `jti`. */
export type Admitted = {
  keys: ReadonlyMap<string, KeyEntry>;
  subjects: ReadonlySet<string>;
  tokens: ReadonlySet<string>;
};

/** Settings for watching the file: the log for changes, and the signal that ends it. */
export type Watching = { log: Pick<Logger, 'info' | 'error'>; stopping: AbortSignal };

/**
 * Reads the file, and reads it again after each change. The log names changed entries only by their ids.
 * Throws if the file is unusable at the start. If it becomes unusable later, the log says why and the last
 * content stays in use. The texts are compared, not the file's modification times: a change between the first
 * read and the first check is then not missed (`fs.watchFile` misses it).
 */
export function readKeyFile(path: string, watching?: Watching): () => Admitted {
  let last = textOf(path);
  let admitted = parse(last);
  const look = ({ log }: Watching): void => {
    try {
      const text = textOf(path);
      if (text === last) return;
      last = text;
      const next = parse(text);
      log.info(differences(admitted, next), 'API_KEYS_FILE was read again');
      admitted = next;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why === last) return;
      // Log the problem once, not every second. An unreadable file counts as a change.
      if (why.includes('cannot be read')) last = why;
      log.error(`API_KEYS_FILE has changed but is unusable, so the last content stays in use: ${why}`);
    }
  };
  if (watching !== undefined) {
    const timer = setInterval(look, LOOK_EVERY_MS, watching).unref();
    watching.stopping.addEventListener('abort', () => clearInterval(timer), { once: true });
  }
  return () => admitted;
}

function parse(text: string): Admitted {
  const { keys, revoked } = readJsonSetting(SETTING, text);
  return {
    keys: byId(SETTING, keys),
    subjects: new Set(revoked.subjects),
    tokens: new Set(revoked.tokens),
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new Error(`API_KEYS_FILE cannot be read (${code}): ${path}`, { cause: error });
  }
}

function differences(before: Admitted, now: Admitted): Record<string, string[]> {
  const isSame = (id: string): boolean =>
    JSON.stringify(before.keys.get(id)) === JSON.stringify(now.keys.get(id));
  const ids = [...now.keys.keys()];
  return {
    added: ids.filter((id) => !before.keys.has(id)),
    removed: [...before.keys.keys()].filter((id) => !now.keys.has(id)),
    changed: ids.filter((id) => before.keys.has(id) && !isSame(id)),
    revoked_subjects: [...now.subjects].filter((one) => !before.subjects.has(one)),
    revoked_tokens: [...now.tokens].filter((one) => !before.tokens.has(one)),
  };
}
