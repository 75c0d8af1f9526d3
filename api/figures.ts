import { z } from 'zod';
import { durationsIn, type Histogram, percentile } from '../core/histogram.ts';
import { FINISHED, type Finished } from '../store/stats.ts';
import type { Scope } from '../store/stats_scope.ts';
import type { Call } from './call.ts';
import { visibleNamespaces } from './filter.ts';

/** The query of an operation that gives figures over a window, as the validator leaves it. */
export const windowSchema = z.object({
  window_minutes: z.int(),
  name: z.string().optional(),
  namespace: z.string().optional(),
});

/** Average and percentiles of durations in seconds; null when there were none. */
export type Durations = {
  average: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
};

/** Figures of finished tasks, as the wire has them. */
export type Figures = {
  finished: Finished['states'];
  skipped: number;
  success_rate: number | null;
  attempts_per_task: number | null;
  processing_seconds: Durations;
  queue_wait_seconds: Durations;
};

/** What a caller asks about, narrowed to what it may see. */
export function toScope(call: Call, query: z.output<typeof windowSchema>): Scope {
  return { namespaces: visibleNamespaces(call, query.namespace) ?? null, name: query.name };
}

/** The figures of finished tasks. */
export function toFigures(finished: Finished): Figures {
  const { skipped } = finished;
  const { failed } = finished.states;
  const succeeded = finished.states.succeeded - skipped;
  return {
    finished: finished.states,
    skipped,
    success_rate: ratio(succeeded, succeeded + failed),
    attempts_per_task: ratio(finished.attempts, finishedIn(finished) - skipped),
    processing_seconds: durations(finished.processings, finished.processingMs),
    queue_wait_seconds: durations(finished.waits, finished.waitMs),
  };
}

/** How many tasks have finished, in whatever state. */
export function finishedIn({ states }: Finished): number {
  return FINISHED.reduce((sum, state) => sum + states[state], 0);
}

/** A part of a whole, or null when there is no whole. */
export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : rounded(part / whole);
}

function durations(histogram: Histogram, sumMs: number): Durations {
  const seconds = (ms: number | null): number | null => (ms === null ? null : rounded(ms / 1_000));
  return {
    average: ratio(sumMs / 1_000, durationsIn(histogram)),
    p50: seconds(percentile(histogram, 0.5)),
    p95: seconds(percentile(histogram, 0.95)),
    p99: seconds(percentile(histogram, 0.99)),
  };
}

/** More digits than this tell nothing. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
