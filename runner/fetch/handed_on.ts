import { isNewer } from '../../core/definitions/version.ts';
import { dispatchIdentifier, versionOfIdentifier } from '../../core/dispatch_identifier.ts';

/** The dispatches that runners with older definitions handed on and that this runner may start. */
export type HandedOn = {
  /**
   * The identifiers that these dispatches have in graphile-worker, with the names of their tasks.
   */
  identifiers(): ReadonlyMap<string, string>;
  /** Reads the identifiers again. Throws what `read` threw. */
  refresh(): Promise<void>;
  /** From now on `listener` is called at once when an identifier is added. */
  onChange(listener: () => void): void;
};

/**
 * Reads the identifiers of the dispatches that were handed on, and keeps those that this runner may
 * start. `versions` has the version of each of its definitions by task name. An identifier stays
 * known once it was seen, since it may be used again; so reads may overlap. Throws if the first
 * read fails.
 */
export async function watchHandedOn(
  read: () => Promise<string[]>,
  versions: ReadonlyMap<string, string>,
): Promise<HandedOn> {
  const known = new Map<string, string>();
  const listeners: (() => void)[] = [];

  async function refresh(): Promise<void> {
    const before = known.size;
    for (const identifier of await read()) {
      const version = versionOfIdentifier(identifier);
      if (version === null || known.has(identifier)) continue;
      for (const [name, own] of versions) {
        if (dispatchIdentifier(name, version) === identifier && !isNewer(version, own))
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
