import { createHash } from 'node:crypto';

/** A task name has none. */
const SEPARATOR = '@';
/** graphile-worker takes no more characters. */
const MAX_LENGTH = 128;

/**
 * The name under which graphile-worker brings rings of a task name that need a definition of this version at least:
 * runners with an older one do not fetch them. The same as errand.ring_identifier; of a long name its hash stands there.
 */
export function ringIdentifier(name: string, version: string): string {
  const readable = `${name}${SEPARATOR}${version}`;
  if (readable.length <= MAX_LENGTH) return readable;
  return `${createHash('sha256').update(name).digest('hex')}${SEPARATOR}${version}`;
}

/** The version that rings of this name need; null when any runner of the task name may begin them. */
export function versionOfIdentifier(identifier: string): string | null {
  const at = identifier.indexOf(SEPARATOR);
  return at === -1 ? null : identifier.slice(at + 1);
}
