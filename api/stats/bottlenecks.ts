import type { JsonSchema } from '../../core/schema.ts';
import { namespaceOf } from '../../core/task.ts';
import { type QueueDepth, readNameDepths } from '../../store/stats/namespaces.ts';
import { readFinished, readPaused } from '../../store/stats/stats.ts';
import { FAILED_READ_LIMIT, readBlockedWorkflows } from '../../store/workflows/stats_workflows.ts';
import type { Operation } from '../context.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { extended, object } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import {
  type Figures,
  figuresOperation,
  finishedIn,
  listOf,
  named,
  span,
  toFigures,
  toScope,
  windowSchema,
} from './figures.ts';

const time: JsonSchema = { type: 'string', format: 'date-time' };
const text: JsonSchema = { type: 'string' };
const count: JsonSchema = { type: 'integer', minimum: 0 };

/** The component schemas of bottlenecks. */
export const bottlenecksSchemas: Record<string, JsonSchema> = {
  NameFigures: extended('Figures', 'The finished tasks of one name', {
    ...named,
    tasks: { ...count, description: 'The number of finished tasks' },
  }),
  NameWaiting: object('The waiting tasks of one name', {
    ...named,
    queue_depth: { ...count, description: 'Attempts that are due and have no outcome yet' },
    queue_depth_is_capped: { type: 'boolean', description: 'Whether more exist' },
    oldest_wait_seconds: { type: 'number', minimum: 0 },
  }),
  Paused: object('A pause by an operator', {
    target: {
      type: 'string',
      description: 'A namespace or a task name. The name of a workflow includes its steps',
    },
    paused_at: time,
    actor: text,
    reason: { type: ['string', 'null'] },
  }),
  BlockedWorkflows: object('The workflows of one name that are blocked by failed steps', {
    ...named,
    workflows: { ...count, description: 'The number of workflows' },
    workflows_is_capped: {
      type: 'boolean',
      description: `Whether more exist: only the last ${FAILED_READ_LIMIT} failures of each step are read`,
    },
    steps: { type: 'array', items: text, description: 'The steps that failed in any of them' },
    last_failed_at: time,
    example_id: { type: 'string', format: 'uuid', description: 'The workflow whose step failed last' },
  }),
  Bottlenecks: object('The bottlenecks: the ten worst of each kind, the worst first', {
    ...span,
    slowest: {
      ...listOf('NameFigures'),
      description: 'Sorted by the 95th percentile of the processing time',
    },
    longest_waits: {
      ...listOf('NameFigures'),
      description: 'Sorted by the 95th percentile of the wait in the queue',
    },
    most_retried: {
      ...listOf('NameFigures'),
      description: 'Sorted by attempts per task, if more than one',
    },
    waiting: { ...listOf('NameWaiting'), description: 'Sorted by the age of the oldest due task' },
    paused: { ...listOf('Paused'), description: 'All pauses, the latest first' },
    blocked_workflows: {
      ...listOf('BlockedWorkflows'),
      description: 'Workflows with steps that have failed, the latest failure first',
    },
  }),
};

/** The operation in the OpenAPI document. */
export function bottlenecksPaths(): Paths {
  return {
    '/v1/analytics/bottlenecks': figuresOperation(
      'getBottlenecks',
      'Find tasks that are slow, retried, waiting, paused or blocked',
      'Bottlenecks',
    ),
  };
}

/** The maximum number of entries of each kind. */
const MAX_ENTRIES = 10;

type Named = Figures & { name: string; namespace: string; tasks: number };

/**
 * `GET /v1/analytics/bottlenecks` (specification R8): names with slow tasks, long waits for a runner, many
 * retries or a long queue now, pauses, and workflows with failed steps. The worst come first.
 */
export const bottlenecks: Operation = async (context, request, response) => {
  const query = parseQuery(windowSchema, request);
  const scope = toScope(context, query);
  const minutes = query.window_minutes;
  const { from, to, byName, paused, blocked, depths } = await context.sharedRead(
    ['bottlenecks', minutes, scope],
    async (reads) => {
      const [finished, paused, blocked] = await Promise.all([
        readFinished(reads, { windowMinutes: minutes }, scope),
        readPaused(reads, scope),
        readBlockedWorkflows(reads, scope, MAX_ENTRIES),
      ]);
      const depths = await readNameDepths(reads, [...finished.byName.keys()]);
      return { ...finished, paused, blocked, depths };
    },
  );
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
    .slice(0, MAX_ENTRIES);
}

function waiting(depths: Map<string, QueueDepth>): unknown[] {
  return [...depths]
    .filter(([, { depth }]) => depth > 0)
    .sort(([, a], [, b]) => b.oldestWaitSecs - a.oldestWaitSecs)
    .slice(0, MAX_ENTRIES)
    .map(([name, { depth, isCapped, oldestWaitSecs }]) => ({
      name,
      namespace: namespaceOf(name),
      queue_depth: depth,
      queue_depth_is_capped: isCapped,
      oldest_wait_seconds: oldestWaitSecs,
    }));
}
