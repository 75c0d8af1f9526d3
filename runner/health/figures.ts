import { namespaceOf } from '../../core/task.ts';
import type { RunnerEvents } from '../record/events.ts';

/** The outcomes that this process has recorded for a namespace. */
export type NamespaceWork = {
  /** Outcomes per second over the last minute. */
  rate(): number;
  /** When the last outcome was recorded, as ISO 8601, or null. */
  lastProcessed(): string | null;
  /** Seconds since the last outcome, or since the process started to count. */
  secondsIdle(): number;
};

/** The work of a runner across all its registrations. */
export type Figures = {
  /** The work of each namespace that the runner can execute. */
  readonly namespaces: ReadonlyMap<string, NamespaceWork>;
  registrations(): number;
  /** When its present registration started, as ISO 8601, or null. */
  liveSince(): string | null;
  /** Seconds since its lease was last renewed. */
  heartbeatAge(): number;
};

/** Counts the events of a runner that can execute `names`. */
export function keepFigures(events: RunnerEvents, names: readonly string[]): Figures {
  const namespaces = new Map<string, Count>();
  // By task name, so that the namespace need not be cut out of the name for each outcome.
  const byName = new Map<string, Count>();
  for (const name of names) {
    const namespace = namespaceOf(name);
    const count = namespaces.get(namespace) ?? {
      rate: createRate(),
      recordedAt: null,
      recordedTick: performance.now(),
    };
    namespaces.set(namespace, count);
    byName.set(name, count);
  }
  let registrations = 0;
  let liveSince: Date | null = null;
  let renewed = performance.now();

  events.on('registered', () => {
    registrations++;
    liveSince = new Date();
    renewed = performance.now();
  });
  events.on('renewed', () => {
    renewed = performance.now();
  });
  events.on('recorded', (outcomes, counted) => {
    const recordedAt = Date.now();
    const recordedTick = performance.now();
    for (const { id, name } of outcomes) {
      const count = counted.has(id) ? byName.get(name) : undefined;
      if (count === undefined) continue;
      count.rate.add(1);
      count.recordedAt = recordedAt;
      count.recordedTick = recordedTick;
    }
  });
  return {
    namespaces: new Map([...namespaces].map(([namespace, count]) => [namespace, workOf(count)])),
    registrations: () => registrations,
    liveSince: () => liveSince?.toISOString() ?? null,
    heartbeatAge: () => (performance.now() - renewed) / 1_000,
  };
}

/**
 * `recordedAt` is the time of the last outcome for display. `recordedTick` is for measuring, on a clock
 * that is never set.
 */
type Count = { rate: Rate; recordedAt: number | null; recordedTick: number };

function workOf(count: Count): NamespaceWork {
  return {
    rate: count.rate.perSecond,
    lastProcessed: () => (count.recordedAt === null ? null : new Date(count.recordedAt).toISOString()),
    secondsIdle: () => (performance.now() - count.recordedTick) / 1_000,
  };
}

const WINDOW_SECS = 60;

/** How often something happened recently. */
type Rate = {
  add(count: number): void;
  /** Per second over the last minute, or since it was made if that is less. */
  perSecond(): number;
};

/**
 * Counts in buckets of one second, so that the cost does not depend on the rate. `clock` gives
 * milliseconds.
 */
export function createRate(clock: () => number = () => performance.now()): Rate {
  const buckets = new Array<number>(WINDOW_SECS).fill(0);
  const createdAt = clock();
  let current = Math.floor(createdAt / 1_000);

  /**
   * Empties the buckets of the seconds that started since the last call. Gives the index of the
   * current one.
   */
  function advance(second: number): number {
    for (let at = Math.max(current + 1, second - WINDOW_SECS + 1); at <= second; at++) {
      buckets[at % WINDOW_SECS] = 0;
    }
    current = second;
    return second % WINDOW_SECS;
  }

  return {
    add(count) {
      const index = advance(Math.floor(clock() / 1_000));
      buckets[index] = (buckets[index] ?? 0) + count;
    },
    perSecond() {
      const seconds = clock() / 1_000;
      advance(Math.floor(seconds));
      // The window is the current second so far and the full seconds before it.
      const covered = Math.min(seconds - createdAt / 1_000, WINDOW_SECS - 1 + (seconds % 1));
      const sum = buckets.reduce((total, count) => total + count, 0);
      return sum / Math.max(1, covered);
    },
  };
}
