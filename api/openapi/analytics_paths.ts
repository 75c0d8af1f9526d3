import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { MINUTES_BY_THE_MINUTE } from '../../store/rollups.ts';
import { FINISHED } from '../../store/stats.ts';
import { OPEN_LIMIT, UNFINISHED } from '../../store/stats_open.ts';
import { FAILED_READ_LIMIT } from '../../store/stats_workflows.ts';
import { failures, jsonAnswer } from './answers.ts';
import type { Operation, Paths } from './document.ts';
import type { Parameter } from './parameters.ts';
import { extended, object, ref } from './schemas.ts';

const DEFAULT_WINDOW_MINUTES = 60;
const MAX_WINDOW_MINUTES = 7 * 24 * 60;

const time: JsonSchema = { type: 'string', format: 'date-time' };
const text: JsonSchema = { type: 'string' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const seconds: JsonSchema = { type: ['number', 'null'], minimum: 0 };
const list = (name: string): JsonSchema => ({ type: 'array', items: ref(name) });
const counts = (states: readonly string[]): JsonSchema =>
  object('How many tasks, by state', Object.fromEntries(states.map((state) => [state, count])));

export const span: Record<string, JsonSchema> = {
  from: { ...time, description: 'Start of the window, at a full minute, or of a long one at a full hour' },
  to: time,
};
const named: Record<string, JsonSchema> = { name: text, namespace: text };

const figures: Record<string, JsonSchema> = {
  finished: counts(FINISHED),
  skipped: {
    ...count,
    description:
      'Of those that succeeded: steps whose condition did not hold; the figures below are without them',
  },
  success_rate: {
    type: ['number', 'null'],
    minimum: 0,
    maximum: 1,
    description: 'Of those that succeeded or failed; null when none did',
  },
  attempts_per_task: { ...seconds, description: 'Attempts that the finished tasks had made, on average' },
  processing_seconds: {
    ...ref('Durations'),
    description: 'From start to end of the last attempt; of a workflow, with all its steps',
  },
  queue_wait_seconds: {
    ...ref('Durations'),
    description: 'From when the last attempt was due to its start; of a workflow its steps have it',
  },
};
const open: Record<string, JsonSchema> = {
  open: counts(UNFINISHED),
  open_is_capped: {
    type: 'boolean',
    description: `Whether of one name and state there are more than ${OPEN_LIMIT}, where counting stops`,
  },
};
const finished = { type: 'number', minimum: 0, description: 'Tasks that finished' };

/** The component schemas of figures over a window. */
export const analyticsSchemas: Record<string, JsonSchema> = {
  Durations: object('In seconds; null when there was none. A percentile is off by a factor of √2 at most', {
    average: seconds,
    p50: seconds,
    p95: seconds,
    p99: seconds,
  }),
  Figures: object('What finished', figures),
  TaskStatsOfAll: extended('Figures', 'All names together', open),
  TaskStatsOfName: extended('TaskStatsOfAll', 'One name', named),
  TaskStats: object('What is open now, and what finished in a window', {
    ...span,
    total: ref('TaskStatsOfAll'),
    names: list('TaskStatsOfName'),
  }),
  Rates: extended('Figures', 'What finished in the whole window', { throughput_per_second: finished }),
  IntervalRates: extended('Rates', 'What finished in one interval', { from: time, to: time }),
  NameRates: extended('Rates', 'What finished of one name', {
    ...named,
    share: { type: 'number', minimum: 0, maximum: 1, description: 'Of all that finished' },
  }),
  Performance: object('Throughput and durations over a window', {
    ...span,
    interval_seconds: { type: 'integer', minimum: 60 },
    total: ref('Rates'),
    intervals: list('IntervalRates'),
    names: list('NameRates'),
  }),
  NameFigures: extended('Figures', 'What finished of one name', {
    ...named,
    tasks: { ...count, description: 'That finished' },
  }),
  NameWaiting: object('What waits of one name', {
    ...named,
    queue_depth: { ...count, description: 'Attempts that are due and have no outcome yet' },
    queue_depth_is_capped: { type: 'boolean', description: 'Whether there are more' },
    oldest_wait_seconds: { type: 'number', minimum: 0 },
  }),
  Paused: object('What an operator has paused', {
    target: {
      type: 'string',
      description: 'A namespace, the name of a task, or of a workflow with its steps',
    },
    paused_at: time,
    actor: text,
    reason: { type: ['string', 'null'] },
  }),
  BlockedWorkflows: object(
    'The workflows of one name that have not ended well, because steps of them have failed',
    {
      ...named,
      workflows: { ...count, description: 'How many' },
      workflows_is_capped: {
        type: 'boolean',
        description: `Whether there are more: of each step the last ${FAILED_READ_LIMIT} that failed are looked at`,
      },
      steps: { type: 'array', items: text, description: 'Which steps have failed in one or another' },
      last_failed_at: time,
      example_id: { type: 'string', format: 'uuid', description: 'The workflow whose step failed last' },
    },
  ),
  Bottlenecks: object('What holds tasks up: the ten worst of each kind, the worst first', {
    ...span,
    slowest: { ...list('NameFigures'), description: 'By the 95th percentile of processing' },
    longest_waits: { ...list('NameFigures'), description: 'By the 95th percentile of the wait in the queue' },
    most_retried: { ...list('NameFigures'), description: 'By attempts per task, when that is more than one' },
    waiting: { ...list('NameWaiting'), description: 'By how long the oldest has been due' },
    paused: { ...list('Paused'), description: 'All, the latest first' },
    blocked_workflows: {
      ...list('BlockedWorkflows'),
      description: 'Workflows with steps that have failed, the latest failure first',
    },
  }),
};

const query = (name: string, schema: JsonSchema, description: string): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
export const windowParameter: Parameter = query(
  'window_minutes',
  { type: 'integer', minimum: 1, maximum: MAX_WINDOW_MINUTES, default: DEFAULT_WINDOW_MINUTES },
  `Back from now, and to the full minute before; to the full hour when it is more than ${MINUTES_BY_THE_MINUTE}`,
);
const windowParameters: Parameter[] = [
  windowParameter,
  query('name', { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH }, 'Tasks of this name'),
  query(
    'namespace',
    { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH },
    'Tasks whose name starts with this part',
  ),
];

/** The paths of figures over a window (specification R6, R8). */
export function analyticsPaths(): Paths {
  const read = (operationId: string, summary: string, schema: string): Record<string, Operation> => ({
    get: {
      tags: ['analytics'],
      operationId,
      summary,
      parameters: windowParameters,
      responses: { 200: jsonAnswer(summary, ref(schema)), ...failures(400) },
    },
  });
  return {
    '/v1/tasks/stats': read(
      'getTaskStats',
      'What is open, and figures of what finished, by name',
      'TaskStats',
    ),
    '/v1/analytics/performance': read(
      'getPerformance',
      'Throughput and durations over a window',
      'Performance',
    ),
    '/v1/analytics/bottlenecks': read(
      'getBottlenecks',
      'What is slow, retried, waiting, paused or blocked',
      'Bottlenecks',
    ),
  };
}
