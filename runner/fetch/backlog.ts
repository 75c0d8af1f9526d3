/** From so many waiting attempts on, no more dispatches of a name are fetched: four full ones, … */
const FULL = 400;
/** … until no more than this many wait. */
const ROOM = 100;

/**
 * The attempts that wait in this runner for slots of limits, by name. Dispatches in hand are bounded: if those that
 * wait filled them, tasks that were called for a slot could not be fetched, and nothing would move until their calls
 * are over.
 */
export type Backlog = {
  /** Counts an attempt of this name until what it waits for is there. */
  within<Result>(name: string, waited: Promise<Result>): Promise<Result>;
  /** Whether so many attempts of this name wait that no more should be fetched. */
  isFull(name: string): boolean;
  /** From now on `listener` is called when the answer of `isFull` changes. */
  onChange(listener: () => void): void;
};

/** Makes it, without any attempt. */
export function createBacklog(): Backlog {
  const waiting = new Map<string, number>();
  const full = new Set<string>();
  let listener: () => void = () => {};

  function count(name: string, change: 1 | -1): void {
    const now = (waiting.get(name) ?? 0) + change;
    if (now > 0) waiting.set(name, now);
    else waiting.delete(name);
    if (full.has(name) ? now > ROOM : now < FULL) return;
    if (!full.delete(name)) full.add(name);
    listener();
  }

  return {
    async within(name, waited) {
      count(name, 1);
      try {
        return await waited;
      } finally {
        count(name, -1);
      }
    },
    isFull: (name) => full.has(name),
    onChange(next) {
      listener = next;
    },
  };
}
