import type { WaitBudget } from '../execute/slots.ts';

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
  /**
   * Waits until a name is no longer full, so that its dispatches in hand need not be requeued. Gives null if the wait
   * budget is over first.
   */
  room(name: string, budget: WaitBudget): Promise<true | null>;
  /** From now on `listener` is called when the answer of `isFull` changes. */
  onChange(listener: () => void): void;
};

/** Makes it, without any attempt. */
export function createBacklog(): Backlog {
  const waiting = new Map<string, number>();
  const full = new Set<string>();
  /** Those that wait for room, by name. */
  const roomers = new Map<string, Set<() => void>>();
  let listener: () => void = () => {};

  function count(name: string, change: 1 | -1): void {
    const now = (waiting.get(name) ?? 0) + change;
    if (now > 0) waiting.set(name, now);
    else waiting.delete(name);
    if (full.has(name) ? now > ROOM : now < FULL) return;
    if (!full.delete(name)) full.add(name);
    listener();
    if (!full.has(name)) for (const resume of [...(roomers.get(name) ?? [])]) resume();
  }

  function room(name: string, budget: WaitBudget): Promise<true | null> {
    if (!full.has(name)) return Promise.resolve(true);
    if (budget.isOver()) return Promise.resolve(null);
    const waiters = roomers.get(name) ?? new Set();
    roomers.set(name, waiters);
    return new Promise((resolve) => {
      const leave = (answer: true | null): void => {
        budget.onOver(null);
        waiters.delete(resume);
        if (waiters.size === 0) roomers.delete(name);
        resolve(answer);
      };
      const resume = (): void => leave(true);
      budget.onOver(() => leave(null));
      waiters.add(resume);
    });
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
    room,
    onChange(next) {
      listener = next;
    },
  };
}
