import type { QueueDepth } from '../../store/stats/namespaces.ts';
import type { Pauses } from '../fetch/pauses.ts';
import type { NamespaceWork } from './figures.ts';

/** If work waits this long and nothing of its namespace moves, the namespace is degraded. */
const STALLED_AFTER_SECS = 10;

/**
 * - `degraded`: something has been due for STALLED_AFTER_SECS, while this runner recorded no
 *   outcome of the namespace for as long and runs no attempt of it. Also if the queue depth is
 *   unknown because Postgres does not answer.
 * - `idle`: nothing waits, nothing runs, and nothing was recorded in the last minute.
 * - `healthy`: everything else.
 *
 * Paused work does not count as waiting, and work that waits for a limit does not count as due. After a resume the work has STALLED_AFTER_SECS to move.
 */
export type HealthStatus = 'healthy' | 'degraded' | 'idle';

/** The figures of a namespace in `/health` (specification X9). */
export type NamespaceFigures = {
  namespace: string;
  /**
   * Attempts that are due in the complete pool, including paused ones; null if Postgres does not
   * answer.
   */
  queue_depth: number | null;
  /** Whether there are more than `queue_depth`. */
  queue_depth_is_capped: boolean;
  /** How long the oldest of them has been due; null if Postgres does not answer. */
  oldest_wait_seconds: number | null;
  /** Outcomes that this runner recorded per second over the last minute. */
  processing_rate: number;
  /** Attempts that run in this runner. */
  active_steps: number;
  health_status: HealthStatus;
  /** When this runner recorded its last outcome, as ISO 8601. */
  last_processed: string | null;
  /** The paused targets in the namespace: the namespace itself, or names in it. */
  paused: string[];
};

/** The queue depth by namespace: of all due attempts, and of those that are not paused. */
export type Depths = { all: ReadonlyMap<string, QueueDepth>; unpaused: ReadonlyMap<string, QueueDepth> };

/** The depth of a namespace without due tasks. */
export const NOTHING_DUE: QueueDepth = {
  ...{ depth: 0, isCapped: false, oldestWaitSecs: 0 },
  ...{ ready: 0, oldestReadySecs: 0 },
};

/** The figures of one namespace. `depths` is null if they could not be read. */
export function namespaceFigures(
  namespace: string,
  work: NamespaceWork,
  active: number,
  depths: Depths | null,
  pauses: Pick<Pauses, 'of' | 'secondsSteady'>,
): NamespaceFigures {
  const waiting = depths === null ? null : (depths.all.get(namespace) ?? NOTHING_DUE);
  const unpaused = depths === null ? null : (depths.unpaused.get(namespace) ?? NOTHING_DUE);
  const rate = work.rate();
  const secondsIdle = Math.min(work.secondsIdle(), pauses.secondsSteady());
  return {
    namespace,
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
  if (!moves && seen.waiting.oldestReadySecs >= STALLED_AFTER_SECS) return 'degraded';
  return seen.waiting.depth === 0 && seen.active === 0 && seen.rate === 0 ? 'idle' : 'healthy';
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
