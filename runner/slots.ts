import type { Patience } from './patience.ts';

/** The places in which a runner executes attempts: RUNNER_CONCURRENCY of them. */
export type Slots = {
  /** Takes a slot if one is free now. */
  tryTake(): boolean;
  /** Waits for a slot, first come first served. Gives false, without one, when patience is over first. */
  take(patience: Patience): Promise<boolean>;
  /** Gives a slot back: to who waits for it longest, else one of those who wait for room is let go on. */
  release(): void;
  /** Waits until a slot is free that nobody waits for, or patience is over. Takes nothing. Gives whether one is. */
  room(patience: Patience): Promise<boolean>;
  /** How many slots are taken. */
  taken(): number;
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
    take(patience) {
      if (free > 0 && !patience.isOver()) {
        free--;
        return Promise.resolve(true);
      }
      return wait(takers, patience);
    },
    release,
    async room(patience) {
      return free > 0 || (await wait(roomers, patience)) || free > 0;
    },
    taken: () => size - free,
  };
}

function first(waiters: Set<Waiter>): Waiter | undefined {
  return waiters.values().next().value;
}

function wait(waiters: Set<Waiter>, patience: Patience): Promise<boolean> {
  if (patience.isOver()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const waiter = (given: boolean): void => {
      waiters.delete(waiter);
      patience.onOver(null);
      resolve(given);
    };
    patience.onOver(() => waiter(false));
    waiters.add(waiter);
  });
}
