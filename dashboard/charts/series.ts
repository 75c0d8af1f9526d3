import type { Performance } from '../data/records.ts';

/** The values of a chart: times in seconds since 1970, then one list for each line. Null is a gap. */
export type ChartData = [times: number[], ...lines: (number | null)[][]];

/** The tasks that ended per second, by how they ended. */
export function throughputOf({ intervals }: Performance): ChartData {
  const perSecond = (count: number, from: string, to: string): number => {
    const seconds = (Date.parse(to) - Date.parse(from)) / 1_000;
    return seconds <= 0 ? 0 : count / seconds;
  };
  return [
    timesOf(intervals),
    intervals.map(({ finished, from, to }) => perSecond(finished.succeeded + finished.resolved, from, to)),
    intervals.map(({ finished, from, to }) => perSecond(finished.failed, from, to)),
  ];
}

/** The median and the 95th percentile of the time that handlers took, and of the wait, in seconds. */
export function latencyOf({ intervals }: Performance): ChartData {
  return [
    timesOf(intervals),
    intervals.map(({ processing_seconds }) => processing_seconds.p50),
    intervals.map(({ processing_seconds }) => processing_seconds.p95),
    intervals.map(({ queue_wait_seconds }) => queue_wait_seconds.p95),
  ];
}

/** The part of the ended tasks that succeeded, in per cent. */
export function successOf({ intervals }: Performance): ChartData {
  return [
    timesOf(intervals),
    intervals.map(({ success_rate }) => (success_rate === null ? null : success_rate * 100)),
  ];
}

/** A reading of how many tasks are open, at a time in ms since 1970. */
export type DepthSample = { at: number; queued: number; running: number };

/** The depth since the dashboard was opened: the API keeps no history of it. */
export function depthOf(samples: readonly DepthSample[]): ChartData {
  const times = samples.map(({ at }) => Math.floor(at / 1_000));
  // At least a minute, so that one sample has a place on the axis.
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const start = times
    .slice(0, 1)
    .flatMap((first) => (span < MIN_SECONDS ? [first + span - MIN_SECONDS] : []));
  return [
    [...start, ...times],
    [...start.map(() => null), ...samples.map(({ queued }) => queued)],
    [...start.map(() => null), ...samples.map(({ running }) => running)],
  ];
}

const MIN_SECONDS = 60;

/** Adds a sample. Forgets those that are older than `keepMs`. */
export function addSample(
  samples: readonly DepthSample[],
  sample: DepthSample,
  keepMs: number,
): DepthSample[] {
  return [...samples.filter(({ at }) => at > sample.at - keepMs && at < sample.at), sample];
}

function timesOf(intervals: Performance['intervals']): number[] {
  return intervals.map(({ from }) => Math.floor(Date.parse(from) / 1_000));
}
