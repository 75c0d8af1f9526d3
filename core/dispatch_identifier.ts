import { createHash } from 'node:crypto';

/** The separator between name and version. No task name contains it. */
const SEPARATOR = '@';
/** The maximum length of a graphile-worker identifier. */
const MAX_LENGTH = 128;

/**
 * The graphile-worker identifier for dispatches of a task name that need a definition of at least this
 * version. Runners with an older definition do not fetch it. It equals errand.dispatch_identifier. A name
 * that is too long is replaced by its hash.
 */
export function dispatchIdentifier(name: string, version: string): string {
  const readable = `${name}${SEPARATOR}${version}`;
  if (readable.length <= MAX_LENGTH) return readable;
  return `${createHash('sha256').update(name).digest('hex')}${SEPARATOR}${version}`;
}

/**
 * The version that dispatches with this identifier need; null if every runner of the task name may load them.
 */
export function versionOfIdentifier(identifier: string): string | null {
  const at = identifier.indexOf(SEPARATOR);
  return at === -1 ? null : identifier.slice(at + 1);
}
