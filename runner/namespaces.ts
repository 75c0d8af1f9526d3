import type { QueueDepth } from '../store/namespaces.ts';
import type { NamespaceWork } from './figures.ts';
import type { Pauses } from './pauses.ts';

/** For how long work may wait, and nothing of it move, before that is called degraded. */
const STALLED_AFTER_SECS = 10;

/**
 * - `degraded`: something has been due for STALLED_AFTER_SECS, for as long this runner has been there and recorded no
 *   outcome of the namespace, and it has no attempt of it under way; or it is not known what waits, because
 *   Postgres does not answer.
 * - `idle`: nothing waits, nothing is under way, and nothing was recorded in the last minute.
 * - `healthy`: everything else.
 *
 * What is paused does not wait in this sense: it is to stand still. What was resumed has STALLED_AFTER_SECS to move.
 */
export type HealthStatus = 'healthy' | 'degraded' | 'idle';

/** A namespace as `/health` has it (specification X9). */
export type NamespaceFigures = {
  /** Attempts that are due in the whole pool, paused ones too; null when Postgres does not answer. */
  queue_depth: number | null;
  /** Whether there are more than `queue_depth`. */
  queue_depth_is_capped: boolean;
  /** How long the oldest of them has been due; null when Postgres does not answer. */
  oldest_wait_seconds: number | null;
  /** Outcomes recorded by this runner per second over the last minute. */
  processing_rate: number;
  /** Attempts under way in this runner. */
  active_steps: number;
  health_status: HealthStatus;
  /** When this runner recorded its last outcome, as ISO 8601. */
  last_processed: string | null;
  /** What of the namespace is paused: itself, or names of it. */
  paused: string[];
};

/** What waits, by namespace: all of it, and what of it is not paused. */
export type Depths = { all: ReadonlyMap<string, QueueDepth>; unpaused: ReadonlyMap<string, QueueDepth> };

const NOTHING: QueueDepth = { depth: 0, isCapped: false, oldestWaitSecs: 0 };

/** The figures of one namespace. `depths` is null when they could not be read. */
export function namespaceFigures(
  namespace: string,
  work: NamespaceWork,
  active: number,
  depths: Depths | null,
  pauses: Pick<Pauses, 'of' | 'secondsSteady'>,
): NamespaceFigures {
  const waiting = depths === null ? null : (depths.all.get(namespace) ?? NOTHING);
  const unpaused = depths === null ? null : (depths.unpaused.get(namespace) ?? NOTHING);
  const rate = work.rate();
  const secondsIdle = Math.min(work.secondsIdle(), pauses.secondsSteady());
  return {
    queue_depth: waiting?.depth ?? null,
    queue_depth_is_capped: waiting?.isCapped ?? false,
    oldest_wait_seconds: waiting === null ? null : rounded(waiting.oldestWaitSecs),
    processing_rate: rounded(rate),
    active_steps: active,
    health_status: healthStatus({ waiting: unpaused, active, rate, secondsIdle }),
    last_processed: work.lastProcessed(),
    paused: pauses.of(namespace),
  };
}

/** Whether the work of a namespace moves in this runner; see HealthStatus. */
export function healthStatus(seen: {
  waiting: QueueDepth | null;
  active: number;
  rate: number;
  secondsIdle: number;
}): HealthStatus {
  if (seen.waiting === null) return 'degraded';
  const moves = seen.active > 0 || seen.secondsIdle < STALLED_AFTER_SECS;
  if (!moves && seen.waiting.oldestWaitSecs >= STALLED_AFTER_SECS) return 'degraded';
  return seen.waiting.depth === 0 && seen.active === 0 && seen.rate === 0 ? 'idle' : 'healthy';
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
