import { z } from 'zod';
import { durationsIn, type Histogram, percentile } from '../../core/histogram.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { FINAL } from '../../core/states.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { MINUTES_BY_THE_MINUTE } from '../../store/stats/rollups.ts';
import type { Finished, Scope } from '../../store/stats/stats.ts';
import type { RequestContext } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Operation } from '../openapi/schemas/document.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { visibleNamespaces } from '../tasks/filter.ts';

const DEFAULT_WINDOW_MINUTES = 60;
const MAX_WINDOW_MINUTES = 7 * 24 * 60;

const time: JsonSchema = { type: 'string', format: 'date-time' };
const text: JsonSchema = { type: 'string' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const seconds: JsonSchema = { type: ['number', 'null'], minimum: 0 };

/** A list of this component. */
export const listOf = (name: string): JsonSchema => ({ type: 'array', items: ref(name) });

/** Task counts by state. */
export const counts = (states: readonly string[]): JsonSchema =>
  object('The number of tasks by state', Object.fromEntries(states.map((state) => [state, count])));

/** The time window of statistics. */
export const span: Record<string, JsonSchema> = {
  from: { ...time, description: 'The start of the window: a full minute, or a full hour for a long window' },
  to: time,
};

/** The tasks that statistics are about. */
export const named: Record<string, JsonSchema> = { name: text, namespace: text };

const figures: Record<string, JsonSchema> = {
  finished: counts(FINAL),
  skipped: {
    ...count,
    description:
      'Steps whose condition did not hold. They count as succeeded in `finished`, but not in the figures below',
  },
  success_rate: {
    type: ['number', 'null'],
    minimum: 0,
    maximum: 1,
    description: 'The part of the succeeded or failed tasks that succeeded. Null if there were none',
  },
  attempts_per_task: { ...seconds, description: 'The average number of attempts of the finished tasks' },
  processing_seconds: {
    ...ref('Durations'),
    description: 'From the start to the end of the last attempt. For a workflow, this includes all its steps',
  },
  queue_wait_seconds: {
    ...ref('Durations'),
    description: 'From the due time of the last attempt to its start. Workflows do not count; their steps do',
  },
};

/** The component schemas that all statistics share. */
export const figuresSchemas: Record<string, JsonSchema> = {
  Durations: object(
    'Durations in seconds. Null if there were none. A percentile is exact within a factor of √2',
    {
      average: seconds,
      p50: seconds,
      p95: seconds,
      p99: seconds,
    },
  ),
  Figures: object('Statistics of finished tasks', figures),
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
  `The length of the window, which ends now. Its start is rounded down to the minute, or to the hour if it is longer than ${MINUTES_BY_THE_MINUTE} minutes`,
);
const windowParameters: Parameter[] = [
  windowParameter,
  query(
    'name',
    { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH },
    'Only statistics of tasks of this name',
  ),
  query(
    'namespace',
    { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH },
    'Only statistics of tasks of this namespace',
  ),
];

/** An operation that gives statistics for a window, in the form of the OpenAPI document. */
export function figuresOperation(
  operationId: string,
  summary: string,
  schema: string,
): Record<string, Operation> {
  return {
    get: {
      tags: ['analytics'],
      operationId,
      summary,
      parameters: windowParameters,
      responses: { 200: jsonAnswer(summary, ref(schema)), ...failures(400) },
    },
  };
}

/** The query of such an operation, after the validator. */
export const windowSchema = z.object({
  window_minutes: z.int(),
  name: z.string().optional(),
  namespace: z.string().optional(),
});

/** Average and percentiles of durations in seconds. Null if there were none. */
export type Durations = {
  average: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
};

/** Statistics of finished tasks in the form of the API. */
export type Figures = {
  finished: Finished['states'];
  skipped: number;
  success_rate: number | null;
  attempts_per_task: number | null;
  processing_seconds: Durations;
  queue_wait_seconds: Durations;
};

/** The tasks that a caller asks about, limited to those that it may see. */
export function toScope(context: RequestContext, query: z.output<typeof windowSchema>): Scope {
  return { namespaces: visibleNamespaces(context, query.namespace) ?? null, name: query.name };
}

/** The statistics of finished tasks. */
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

/** The number of finished tasks in all final states. */
export function finishedIn({ states }: Finished): number {
  return FINAL.reduce((sum, state) => sum + states[state], 0);
}

/** The ratio of two numbers, or null if the second is 0. */
export function ratio(part: number, total: number): number | null {
  return total === 0 ? null : rounded(part / total);
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

/** More digits carry no information. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
