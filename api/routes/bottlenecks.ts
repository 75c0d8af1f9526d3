import { namespaceOf } from '../../core/task.ts';
import { type QueueDepth, readNameDepths } from '../../store/namespaces.ts';
import { readFinished } from '../../store/stats.ts';
import { readPaused } from '../../store/stats_paused.ts';
import { readBlockedWorkflows } from '../../store/stats_workflows.ts';
import type { Operation } from '../call.ts';
import { type Figures, finishedIn, toFigures, toScope, windowSchema } from '../figures.ts';
import { parseQuery } from '../request.ts';

/** Of each kind. */
const MOST = 10;

type Named = Figures & { name: string; namespace: string; tasks: number };

/**
 * `GET /v1/analytics/bottlenecks` (specification R8): what is slow, what waits long for a runner, what is tried again and
 * again, what waits right now, what is paused, and which workflows have failed steps; the worst first.
 */
export const bottlenecks: Operation = async (call, request, response) => {
  const query = parseQuery(windowSchema, request);
  const scope = toScope(call, query);
  const minutes = query.window_minutes;
  const [{ from, to, byName }, paused, blocked] = await Promise.all([
    readFinished(call.reads, { windowMinutes: minutes }, scope),
    readPaused(call.reads, scope),
    readBlockedWorkflows(call.reads, scope, MOST),
  ]);
  const depths = await readNameDepths(call.reads, [...byName.keys()]);
  const named = [...byName].map(([name, finished]) => ({
    name,
    namespace: namespaceOf(name),
    tasks: finishedIn(finished),
    ...toFigures(finished),
  }));
  response.json({
    from,
    to,
    slowest: worst(named, ({ processing_seconds }) => processing_seconds.p95),
    longest_waits: worst(named, ({ queue_wait_seconds }) => queue_wait_seconds.p95),
    most_retried: worst(named, ({ attempts_per_task }) =>
      (attempts_per_task ?? 0) > 1 ? attempts_per_task : null,
    ),
    waiting: waiting(depths),
    paused,
    blocked_workflows: blocked,
  });
};

function worst(named: Named[], by: (one: Named) => number | null): Named[] {
  return named
    .filter((one) => by(one) !== null)
    .sort((a, b) => Number(by(b)) - Number(by(a)))
    .slice(0, MOST);
}

function waiting(depths: Map<string, QueueDepth>): unknown[] {
  return [...depths]
    .filter(([, { depth }]) => depth > 0)
    .sort(([, a], [, b]) => b.oldestWaitSecs - a.oldestWaitSecs)
    .slice(0, MOST)
    .map(([name, { depth, isCapped, oldestWaitSecs }]) => ({
      name,
      namespace: namespaceOf(name),
      queue_depth: depth,
      queue_depth_is_capped: isCapped,
      oldest_wait_seconds: Math.max(0, oldestWaitSecs),
    }));
}
