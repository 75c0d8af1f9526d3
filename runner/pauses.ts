import { gather } from '../core/gather.ts';

/** What is paused, as far as this runner knows. The ledger has the last word: see `beginRings`. */
export type Pauses = {
  /** Whether a task name is paused, or what it begins with: its namespace, or its workflow if it is of a step. */
  isPaused(name: string): boolean;
  /** The targets of a namespace that are paused: itself, or names of it. */
  of(namespace: string): string[];
  /** Seconds since something was paused or resumed. */
  secondsSteady(): number;
  /** Reads anew what is paused. Resolves when all of the runner goes by it; throws what the reading threw. */
  refresh(): Promise<void>;
  /** From now on `listener` is called at once when something was paused or resumed. */
  onChange(listener: () => void): void;
};

/** Whether a name is this, or goes on after it with a dot. */
function holds(start: string, name: string): boolean {
  return `${name}.`.startsWith(`${start}.`);
}

/**
 * Reads what is paused, and gives the set that is kept. Readings follow one another, and one that is asked for begins
 * afterwards: so an old one never replaces a newer one. Throws when the first one fails.
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

  const readTogether = gather(
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
