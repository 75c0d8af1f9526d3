import type { Pool } from 'pg';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { SKIP_REASONS } from '../../core/schedules/skip_reasons.ts';
import { namespaceOf } from '../../core/task.ts';
import { poolUse } from '../../process/database.ts';
import type { Reading } from '../../process/shared_reading.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import type { QueueDepth } from '../../store/stats/namespaces.ts';
import type { RunnerEvents } from '../record/events.ts';
import type { RunnerLoad } from '../runner.ts';
import type { Figures } from './figures.ts';
import { type Depths, NOTHING_DUE } from './namespaces.ts';

const DURATION_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800];
const WAIT_BUCKETS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200];
/** Lag of schedules: a tick follows within milliseconds; minutes mean that no runner was up. */
const LAG_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3_600];

const OUTCOMES: Outcome['kind'][] = ['succeeded', 'failed', 'timed_out', 'cancelled', 'interrupted'];

/**
 * The Prometheus metrics of a process with a runner that can execute `names`. Events are counted
 * from now on. Task names are labels, ids never are.
 */
export function createMetrics(events: RunnerEvents, names: readonly string[]): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  countAttempts(registry, events, names);
  countRecoveries(registry, events);
  countSchedules(registry, events, names);
  return registry;
}

/** All series start at 0, so that the first event of each counts as an increase. */
function countAttempts(registry: Registry, events: RunnerEvents, names: readonly string[]): void {
  const attempts = new Counter({
    name: 'errand_attempts_total',
    help: 'Attempts whose outcome was recorded',
    labelNames: ['namespace', 'name', 'outcome'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'errand_attempt_duration_seconds',
    help: 'Duration of recorded attempts',
    labelNames: ['namespace', 'name'],
    buckets: DURATION_BUCKETS,
    registers: [registry],
  });
  const waits = new Histogram({
    name: 'errand_queue_wait_seconds',
    help: 'Time from when an attempt was due to its start',
    labelNames: ['namespace', 'name'],
    buckets: WAIT_BUCKETS,
    registers: [registry],
  });
  for (const name of names) {
    for (const outcome of OUTCOMES) attempts.inc({ ...labelsOf(name), outcome }, 0);
    durations.zero(labelsOf(name));
    waits.zero(labelsOf(name));
  }
  events.on('recorded', (outcomes, counted) => {
    const recorded = outcomes.filter(({ id }) => counted.has(id));
    for (const { name, durationMs } of recorded) durations.observe(labelsOf(name), durationMs / 1_000);
    for (const [name, ofName] of Map.groupBy(recorded, (outcome) => outcome.name)) {
      for (const [outcome, alike] of Map.groupBy(ofName, ({ kind }) => kind))
        attempts.inc({ ...labelsOf(name), outcome }, alike.length);
    }
  });
  events.on('started', (name, waitedMs) => waits.observe(labelsOf(name), waitedMs / 1_000));
}

function labelsOf(name: string): { namespace: string; name: string } {
  return { namespace: namespaceOf(name), name };
}

function countRecoveries(registry: Registry, events: RunnerEvents): void {
  const recoveries = new Counter({
    name: 'errand_recoveries_total',
    help: 'Lost runners whose work this runner took over',
    registers: [registry],
  });
  const quarantined = new Counter({
    name: 'errand_quarantined_total',
    help: 'Tasks that this runner quarantined because their runners died',
    registers: [registry],
  });
  events.on('recovered', (recovery) => {
    recoveries.inc(recovery.lost.length);
    quarantined.inc(recovery.quarantined.length);
  });
}

/**
 * Schedules by their namespace, which is that of their task. Any runner submits for any schedule, so
 * there are series of namespaces that this runner cannot execute, from their first event on.
 */
function countSchedules(registry: Registry, events: RunnerEvents, names: readonly string[]): void {
  const lag = new Histogram({
    name: 'errand_schedule_lag_seconds',
    help: 'Time from when a time of a schedule was due to the submission of its task by this runner',
    labelNames: ['namespace'],
    buckets: LAG_BUCKETS,
    registers: [registry],
  });
  const skipped = new Counter({
    name: 'errand_schedule_skipped_total',
    help: 'Times of schedules that this runner left out, by why',
    labelNames: ['namespace', 'reason'],
    registers: [registry],
  });
  const failed = new Counter({
    name: 'errand_schedule_failed_total',
    help: 'Tasks of schedules that this runner recorded as failed for good',
    labelNames: ['namespace'],
    registers: [registry],
  });
  for (const namespace of new Set(names.map(namespaceOf))) {
    lag.zero({ namespace });
    for (const reason of SKIP_REASONS) skipped.inc({ namespace, reason }, 0);
    failed.inc({ namespace }, 0);
  }
  events.on('schedulesFired', (fired) => {
    for (const { namespace, lagMs } of fired)
      for (const one of lagMs) lag.observe({ namespace }, one / 1_000);
  });
  events.on('schedulesSkipped', (left) => {
    for (const { namespace, reason, times } of left) skipped.inc({ namespace, reason }, times);
  });
  events.on('scheduleFailed', (namespace) => failed.inc({ namespace }));
}

/**
 * Adds gauges of the due tasks of each namespace that the runner can execute, in the complete pool. Without Postgres
 * they have no series. Other runners have the same figures, so sums over runners count twice.
 */
export function gaugeDepths(
  registry: Registry,
  namespaces: Iterable<string>,
  read: () => Promise<Reading<Depths>>,
): void {
  const gauge = (name: string, help: string, toValue: (depth: QueueDepth) => number): Gauge =>
    new Gauge({
      ...{ name, help, labelNames: ['namespace'], registers: [registry] },
      async collect() {
        this.reset();
        const { value } = await read();
        if (value === null) return;
        for (const namespace of namespaces)
          this.set({ namespace }, toValue(value.all.get(namespace) ?? NOTHING_DUE));
      },
    });
  gauge('errand_namespace_depth', 'Due tasks of the namespace in the complete pool', ({ depth }) => depth);
  gauge(
    'errand_namespace_oldest_wait_seconds',
    'How long the oldest due task of the namespace has been waiting',
    ({ oldestWaitSecs }) => oldestWaitSecs,
  );
}

/** Adds gauges of the runner's load, which are read at each scrape. */
export function gaugeLoad(
  registry: Registry,
  sources: { slots: number; pool: Pool; figures: Figures; load: () => RunnerLoad },
): void {
  const { slots, pool, figures, load } = sources;
  const gauges: Record<string, [help: string, read: () => number]> = {
    errand_slots: ['How many attempts this runner can execute at a time', () => slots],
    errand_attempts_in_flight: ['Attempts that run now', () => load().names.length],
    errand_outcomes_buffered: ['Outcomes that are not recorded yet', () => load().outcomesBuffered],
    errand_lease_heartbeat_age_seconds: ['Seconds since the lease was last renewed', figures.heartbeatAge],
  };
  for (const [name, [help, read]] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
  new Gauge({
    name: 'errand_pool_connections',
    help: 'Database connections that are busy or idle, and requests that wait for a connection',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(poolUse(pool))) this.set({ state }, count);
    },
  });
}
