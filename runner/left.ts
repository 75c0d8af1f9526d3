import { ringIdentifier, versionOfIdentifier } from '../core/ring_identifier.ts';
import { isNewer } from '../core/version.ts';

/** Which of the rings that runners with older definitions have left this runner may begin. */
export type Left = {
  /** The names under which graphile-worker brings them, with those of their tasks. */
  identifiers(): ReadonlyMap<string, string>;
  /** Reads which have been left since. Throws what the reading threw. */
  refresh(): Promise<void>;
  /** From now on `listener` is called at once when there is another one. */
  onChange(listener: () => void): void;
};

/**
 * Reads what has been left, and gives what of it is for a runner with these versions, by task name. A name that was left under
 * once stays, since it may be again, so readings may overtake one another. Throws when the first one fails.
 */
export async function watchLeft(
  read: () => Promise<string[]>,
  versions: ReadonlyMap<string, string>,
): Promise<Left> {
  const known = new Map<string, string>();
  const listeners: (() => void)[] = [];

  async function refresh(): Promise<void> {
    const before = known.size;
    for (const identifier of await read()) {
      const version = versionOfIdentifier(identifier);
      if (version === null || known.has(identifier)) continue;
      for (const [name, own] of versions) {
        if (ringIdentifier(name, version) === identifier && !isNewer(version, own))
          known.set(identifier, name);
      }
    }
    if (known.size === before) return;
    for (const listener of listeners) listener();
  }

  await refresh();
  return {
    identifiers: () => known,
    refresh,
    onChange: (listener) => void listeners.push(listener),
  };
}
