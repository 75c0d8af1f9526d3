import { namespaceOf } from '../core/task.ts';
import type { RunnerEvents } from './events.ts';
import { createRate, type Rate } from './rate.ts';

/** What this process has recorded of a namespace. */
export type NamespaceWork = {
  /** Outcomes per second over the last minute. */
  rate(): number;
  /** When the last outcome was recorded, as ISO 8601, or null. */
  lastProcessed(): string | null;
  /** How many seconds ago that was, or the process began to keep figures. */
  secondsIdle(): number;
};

/** What a runner has done, through all its registrations. */
export type Figures = {
  /** By namespace, of all that it can execute. */
  readonly namespaces: ReadonlyMap<string, NamespaceWork>;
  registrations(): number;
  /** Since when it is in the pool under its present registration, as ISO 8601. */
  liveSince(): string | null;
  /** Seconds since its lease was last renewed. */
  heartbeatAge(): number;
};

/** Keeps account of what happens in a runner that can execute `names`. */
export function keepFigures(events: RunnerEvents, names: readonly string[]): Figures {
  const namespaces = new Map<string, Count>();
  // By name, so that no namespace has to be cut out of a name for each outcome.
  const byName = new Map<string, Count>();
  for (const name of names) {
    const namespace = namespaceOf(name);
    const count = namespaces.get(namespace) ?? {
      rate: createRate(),
      recordedAt: null,
      moved: performance.now(),
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
    const moved = performance.now();
    for (const { id, name } of outcomes) {
      const count = counted.has(id) ? byName.get(name) : undefined;
      if (count === undefined) continue;
      count.rate.add(1);
      count.recordedAt = recordedAt;
      count.moved = moved;
    }
  });
  return {
    namespaces: new Map([...namespaces].map(([namespace, count]) => [namespace, workOf(count)])),
    registrations: () => registrations,
    liveSince: () => liveSince?.toISOString() ?? null,
    heartbeatAge: () => (performance.now() - renewed) / 1_000,
  };
}

/** When the last outcome was recorded: `recordedAt` to show, `moved` to measure by, on a clock that nobody sets. */
type Count = { rate: Rate; recordedAt: number | null; moved: number };

function workOf(count: Count): NamespaceWork {
  return {
    rate: count.rate.perSecond,
    lastProcessed: () => (count.recordedAt === null ? null : new Date(count.recordedAt).toISOString()),
    secondsIdle: () => (performance.now() - count.moved) / 1_000,
  };
}
