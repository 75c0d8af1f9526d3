import { batcher } from '../../core/concurrency/batcher.ts';

/**
 * The names that are paused, as far as this runner knows. The ledger decides: see `loadDispatches`.
 */
export type Pauses = {
  /**
   * Whether a task name is paused, directly or through its namespace or the workflow that it is a
   * step of.
   */
  isPaused(name: string): boolean;
  /** The paused targets in a namespace: the namespace itself, or names in it. */
  of(namespace: string): string[];
  /** Seconds since something was paused or resumed. */
  secondsSteady(): number;
  /**
   * Reads again what is paused. Resolves when the complete runner uses the result. Throws what
   * `read` threw.
   */
  refresh(): Promise<void>;
  /** From now on `listener` is called at once when something was paused or resumed. */
  onChange(listener: () => void): void;
};

/** Whether a name equals `start` or continues it after a dot. */
function holds(start: string, name: string): boolean {
  return `${name}.`.startsWith(`${start}.`);
}

/**
 * Reads what is paused and keeps it. Reads run one after the other, and a refresh starts a new read
 * after the current one: so an old result never replaces a newer one. Throws if the first read
 * fails.
 */
export async function watchPauses(read: () => Promise<string[]>): Promise<Pauses> {
  let targets = new Set(await read());
  let changedAt = performance.now();
  const listeners: (() => void)[] = [];

  function take(current: string[]): void {
    if (current.length === targets.size && current.every((target) => targets.has(target))) return;
    targets = new Set(current);
    changedAt = performance.now();
    for (const listener of listeners) listener();
  }

  const readTogether = batcher(
    async (asked: null[]) => {
      take(await read());
      return asked;
    },
    { maxItems: Number.MAX_SAFE_INTEGER },
  );
  return {
    isPaused: (name) => targets.values().some((target) => holds(target, name)),
    of: (namespace) => [...targets].filter((target) => holds(namespace, target)),
    secondsSteady: () => (performance.now() - changedAt) / 1_000,
    async refresh() {
      await readTogether(null);
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
