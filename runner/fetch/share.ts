import { DISPATCH_MS } from '../../core/dispatches.ts';
import type { Pace } from '../execute/pace.ts';

/**
 * How many slots a name may hold. If `isSoft`, that holds only while its attempts take long, or while
 * their pace is unknown: short attempts keep no other waiting.
 */
export type Places = { most: number; isSoft: boolean };

/**
 * Limits how many slots of a runner some names may hold. Other names are not limited.
 */
export type Share = {
  /**
   * Takes a place for an attempt of this name. Gives false if all places of the name are taken; it
   * must then not be fetched for now.
   */
  tryTake(name: string): boolean;
  release(name: string): void;
  /**
   * Runs the work of an attempt that has a place, and frees the place when the work has ended, even
   * if it failed.
   */
  within(name: string, work: () => Promise<void>): Promise<void>;
  /** Whether an attempt of this name was refused a place, and no place has come free since. */
  isFull(name: string): boolean;
  /** From now on `listener` is called when the answer of `isFull` changes. */
  onChange(listener: () => void): void;
};

/** Makes places for these names. */
export function createShare(names: ReadonlyMap<string, Places>, pace: Pick<Pace, 'of'>): Share {
  const taken = new Map<string, number>();
  const full = new Set<string>();
  let listener: () => void = () => {};

  function setFull(name: string, now: boolean): void {
    if (full.has(name) === now) return;
    if (now) full.add(name);
    else full.delete(name);
    listener();
  }

  function release(name: string): void {
    const places = names.get(name);
    if (places === undefined) return;
    const left = (taken.get(name) ?? 0) - 1;
    taken.set(name, left);
    if (left < places.most) setFull(name, false);
  }

  return {
    tryTake(name) {
      const places = names.get(name);
      if (places === undefined) return true;
      const held = taken.get(name) ?? 0;
      const holds = !places.isSoft || (pace.of(name) ?? Number.POSITIVE_INFINITY) > DISPATCH_MS;
      if (held >= places.most && holds) {
        setFull(name, true);
        return false;
      }
      taken.set(name, held + 1);
      return true;
    },
    release,
    within: (name, work) => (names.has(name) ? work().finally(() => release(name)) : work()),
    isFull: (name) => full.has(name),
    onChange(next) {
      listener = next;
    },
  };
}
