/**
 * How long a waiter may wait in total, for one thing after the other. It is cheaper than an
 * AbortSignal, and there are many waits.
 */
export type WaitBudget = {
  isOver(): boolean;
  /**
   * Calls `giveUp` when the budget is over. A new listener, or null, replaces the old one. Only one
   * waits at a time.
   */
  onOver(giveUp: (() => void) | null): void;
  /** Call it when nothing waits any more. */
  close(): void;
};

/** A wait budget that ends when `stopping` is aborted, and after `ms` if given. */
export function waitBudget(stopping: AbortSignal, ms?: number): WaitBudget {
  let isOver = stopping.aborted;
  let giveUp: (() => void) | null = null;
  const end = (): void => {
    isOver = true;
    giveUp?.();
  };
  const timer = ms === undefined ? undefined : setTimeout(end, ms);
  stopping.addEventListener('abort', end);
  return {
    isOver: () => isOver,
    onOver(next) {
      giveUp = next;
    },
    close() {
      clearTimeout(timer);
      stopping.removeEventListener('abort', end);
    },
  };
}

/** The slots in which a runner executes attempts: RUNNER_CONCURRENCY of them. */
export type Slots = {
  /** Takes a slot if one is free now. */
  tryTake(): boolean;
  /**
   * Waits for a slot in the order of the calls. Gives false, without a slot, if the wait budget is
   * over first.
   */
  take(waitBudget: WaitBudget): Promise<boolean>;
  /**
   * Frees a slot. It goes to the waiter of `take` that waits longest; if there is none, one waiter
   * of `room` continues.
   */
  release(): void;
  /**
   * Waits until a slot is free that no waiter of `take` gets, or the wait budget is over. Takes no
   * slot. Gives whether one is free.
   */
  room(waitBudget: WaitBudget): Promise<boolean>;
  /** Lets up to `count` waiters of `room` continue, because more attempts can start without a slot. */
  letContinue(count: number): void;
  /** How many slots are taken. */
  taken(): number;
  /** How many slots are free; then nothing waits for one. */
  free(): number;
};

type Waiter = (given: boolean) => void;

/** Makes `size` free slots. */
export function createSlots(size: number): Slots {
  let free = size;
  const takers = new Set<Waiter>();
  const roomers = new Set<Waiter>();

  function release(): void {
    const taker = first(takers);
    if (taker !== undefined) {
      taker(true);
    } else {
      free++;
      first(roomers)?.(true);
    }
  }

  return {
    tryTake() {
      if (free === 0) return false;
      free--;
      return true;
    },
    take(waitBudget) {
      if (free > 0 && !waitBudget.isOver()) {
        free--;
        return Promise.resolve(true);
      }
      return wait(takers, waitBudget);
    },
    release,
    async room(waitBudget) {
      return free > 0 || (await wait(roomers, waitBudget)) || free > 0;
    },
    letContinue(count) {
      for (const roomer of [...roomers].slice(0, count)) roomer(true);
    },
    taken: () => size - free,
    free: () => free,
  };
}

function first(waiters: Set<Waiter>): Waiter | undefined {
  return waiters.values().next().value;
}

function wait(waiters: Set<Waiter>, waitBudget: WaitBudget): Promise<boolean> {
  if (waitBudget.isOver()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const waiter = (given: boolean): void => {
      waiters.delete(waiter);
      waitBudget.onOver(null);
      resolve(given);
    };
    waitBudget.onOver(() => waiter(false));
    waiters.add(waiter);
  });
}
