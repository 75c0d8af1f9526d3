import { DISPATCH_MS } from '../../core/dispatches.ts';
import type { Pace } from '../execute/pace.ts';

/** The part of a runner's slots that a shared name may hold. */
const PART = 1 / 4;

/**
 * Limits how many slots one name may hold, so that other names always find some. Other names are
 * not limited.
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

/**
 * Limits one name to a quarter of `concurrency` slots, but at least one. The limit holds only while
 * attempts of the name take long, or while their pace is unknown: short attempts keep no other
 * waiting.
 */
export function createShare(sharedName: string, concurrency: number, pace: Pick<Pace, 'of'>): Share {
  const places = Math.max(1, Math.floor(concurrency * PART));
  let taken = 0;
  let full = false;
  let listener: () => void = () => {};

  function setFull(now: boolean): void {
    if (full === now) return;
    full = now;
    listener();
  }

  function release(name: string): void {
    if (name !== sharedName) return;
    taken--;
    if (taken < places) setFull(false);
  }

  return {
    tryTake(name) {
      if (name !== sharedName) return true;
      const takesLong = (pace.of(name) ?? Number.POSITIVE_INFINITY) > DISPATCH_MS;
      if (taken >= places && takesLong) {
        setFull(true);
        return false;
      }
      taken++;
      return true;
    },
    release,
    within: (name, work) => (name === sharedName ? work().finally(() => release(name)) : work()),
    isFull: (name) => full && name === sharedName,
    onChange(next) {
      listener = next;
    },
  };
}
