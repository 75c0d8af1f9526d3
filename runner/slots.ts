/** The places in which a runner executes attempts: RUNNER_CONCURRENCY of them. */
export type Slots = {
  /** Takes a slot if one is free now. */
  tryTake(): boolean;
  /** Waits for a slot, first come first served. Gives false, without one, when `signal` is aborted first. */
  take(signal: AbortSignal): Promise<boolean>;
  /** Gives a slot back: to who waits for it longest, else one of those who wait for room is let go on. */
  release(): void;
  /** Waits until a slot is free that nobody waits for, or `signal` is aborted. Takes nothing. */
  room(signal: AbortSignal): Promise<void>;
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
    take(signal) {
      if (free > 0 && !signal.aborted) {
        free--;
        return Promise.resolve(true);
      }
      return wait(takers, signal);
    },
    release,
    async room(signal) {
      if (free === 0) await wait(roomers, signal);
    },
    taken: () => size - free,
  };
}

function first(waiters: Set<Waiter>): Waiter | undefined {
  return waiters.values().next().value;
}

function wait(waiters: Set<Waiter>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const waiter = (given: boolean): void => {
      waiters.delete(waiter);
      signal.removeEventListener('abort', onAbort);
      resolve(given);
    };
    const onAbort = (): void => waiter(false);
    signal.addEventListener('abort', onAbort);
    waiters.add(waiter);
  });
}
