import type { JsonSchema } from '../../core/schema.ts';
import { OPERATIONAL_STATES } from '../state.ts';
import { jsonAnswer, processFailures } from './answers.ts';
import type { Operation, Paths } from './document.ts';
import { object, ref } from './schemas.ts';

const checks: JsonSchema = { type: 'array', items: ref('Check') };

const health: Record<string, JsonSchema> = {
  status: { type: 'string', enum: ['ok', 'degraded', 'draining'] },
  process: { type: 'string' },
  version: { type: 'string' },
  uptime_seconds: { type: 'integer', minimum: 0 },
  checks,
};
const count: JsonSchema = { type: 'integer', minimum: 0 };
const poolUse = object('Its connections', { busy: count, idle: count, waiting: count });
const breaker: JsonSchema = { type: 'string', enum: ['closed', 'open', 'half_open'] };
const byName = (value: JsonSchema): JsonSchema => ({ type: ['object', 'null'], additionalProperties: value });

/** The component schemas of the probes. */
export const probeSchemas: Record<string, JsonSchema> = {
  Check: {
    type: 'object',
    description: 'One thing that must be well for the process to get traffic',
    required: ['name', 'status'],
    properties: {
      name: { type: 'string' },
      status: { type: 'string', enum: ['ok', 'failed'] },
      message: { type: 'string' },
    },
  },
  Health: object('How the process is', health),
  HealthDetails: object('How the process is, what it holds, and what waits: counts, and the names of tasks', {
    ...health,
    state: { type: 'string', enum: [...OPERATIONAL_STATES] },
    requests_in_flight: count,
    streams: count,
    pools: object('Database connections, and requests that wait for one', {
      writes: poolUse,
      reads: poolUse,
    }),
    breakers: object('Of each pool', { writes: breaker, reads: breaker }),
    queues: {
      ...byName(
        object('Due tasks that wait, of a namespace', {
          depth: count,
          is_capped: { type: 'boolean', description: 'Whether there are more than `depth`' },
          oldest_wait_seconds: { type: 'number', minimum: 0 },
          pauses: { ...count, description: 'Of the namespace and of names in it' },
        }),
      ),
      description: 'By namespace; null while Postgres does not say',
    },
    live_runners: {
      ...byName(count),
      description: 'By task name: runners that can execute it; null while Postgres does not say',
    },
  }),
  Readiness: object('Whether the process may get traffic', {
    status: { type: 'string', enum: ['ready', 'not_ready'] },
    checks,
  }),
  Liveness: object('That the process runs', { status: { type: 'string', const: 'live' } }),
};

/** The paths that tell of the process itself: its probes (specification A12) and its docs (A15). */
export function processPaths(): Paths {
  const ready = {
    200: jsonAnswer('It may get traffic', ref('Readiness')),
    503: jsonAnswer('It may not, and why', ref('Readiness')),
  };
  const live = { 200: jsonAnswer('It runs', ref('Liveness')) };
  return {
    // Whatever the process is up to.
    '/health': probe(
      'getHealth',
      'How the process is',
      { 200: jsonAnswer('How it is', ref('Health')) },
      processFailures(),
    ),
    '/ready': probe('getReadiness', 'Whether the process may get traffic', ready),
    '/live': probe('getLiveness', 'That the process runs', live),
    '/health/ready': probe('getHealthReadiness', 'The same as /ready', ready),
    '/health/live': probe('getHealthLiveness', 'The same as /live', live),
    '/health/detailed': probe('getHealthDetails', 'How the process is, at length', {
      200: jsonAnswer('How it is', ref('HealthDetails')),
    }),
    '/metrics': page('getMetrics', 'The metrics of the process, for Prometheus', 'text/plain'),
    '/openapi.yaml': page('getOpenApi', 'This document', 'application/yaml'),
    '/docs': page('getDocs', 'The interactive docs', 'text/html'),
  };
}

function probe(
  operationId: string,
  summary: string,
  answers: Operation['responses'],
  failures = processFailures(503),
): Record<string, Operation> {
  return { get: { tags: ['process'], operationId, summary, responses: { ...failures, ...answers } } };
}

function page(operationId: string, summary: string, type: string): Record<string, Operation> {
  const content = { [type]: { schema: { type: 'string' } } };
  const responses = { ...processFailures(503), 200: { description: summary, content } };
  return { get: { tags: ['process'], operationId, summary, responses } };
}
