import { getCallSites } from 'node:util';

/** More attempts at a time are no limit for any pool. */
export const MAX_LIMIT = 100_000;

/** A limit that several definitions share by its name. */
export type Limit = { readonly name: string; readonly limit: number };

/** The form of a name: as for tasks, with the namespace first. */
const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_-]*)+$/;
const MAX_LENGTH = 128;

/**
 * Defines a limit that several definitions share (Q1): at most `limit` of their attempts run at a time in the
 * complete pool. A rule with a key has so many for each key. Throws, and names the file, if a part is invalid.
 */
export function defineLimit({ name, limit }: { name: string; limit: number }): Limit {
  const file = getCallSites(2)[1]?.scriptName ?? 'unknown file';
  const refuse = (why: string): never => {
    throw new Error(`Limit ${JSON.stringify(name)} in ${file}: ${why}`);
  };
  if (typeof name !== 'string' || !NAME.test(name) || name.length > MAX_LENGTH)
    refuse(
      `the name must match ${NAME}, with the namespace first, and have at most ${MAX_LENGTH} characters`,
    );
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    refuse(`limit must be an integer from 1 to ${MAX_LIMIT}, got ${String(limit)}`);
  return Object.freeze({ name, limit });
}
