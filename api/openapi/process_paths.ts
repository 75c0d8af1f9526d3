import type { JsonSchema } from '../../core/schema.ts';
import { OPERATIONAL_STATES } from '../capacity/state.ts';
import { type FailureStatus, jsonAnswer, processFailures } from './schemas/answers.ts';
import type { Operation, Paths } from './schemas/document.ts';
import { object, ref } from './schemas/schemas.ts';

const checks: JsonSchema = { type: 'array', items: ref('Check') };

const health: Record<string, JsonSchema> = {
  status: { type: 'string', enum: ['ok', 'degraded', 'draining'] },
  process: { type: 'string' },
  version: { type: 'string' },
  uptime_seconds: { type: 'integer', minimum: 0 },
  checks,
};
const count: JsonSchema = { type: 'integer', minimum: 0 };
const poolUse = object('The connections of a pool', { busy: count, idle: count, waiting: count });
const breaker: JsonSchema = { type: 'string', enum: ['closed', 'open', 'half_open'] };
const byName = (value: JsonSchema): JsonSchema => ({ type: ['object', 'null'], additionalProperties: value });

/** The component schemas of the probes. */
export const probeSchemas: Record<string, JsonSchema> = {
  Check: {
    type: 'object',
    description: 'One condition that must hold for the process to receive traffic',
    required: ['name', 'status'],
    properties: {
      name: { type: 'string' },
      status: { type: 'string', enum: ['ok', 'failed'] },
      message: { type: 'string' },
    },
  },
  Health: object('The health of the process', health),
  HealthDetails: object('The health, the load and the queues of the process: counts, and names of tasks', {
    ...health,
    state: { type: 'string', enum: [...OPERATIONAL_STATES] },
    requests_in_flight: count,
    streams: { ...count, description: 'Open event streams' },
    websockets: { ...count, description: 'Open WebSockets' },
    pools: object('Database connections, and requests that are waiting for one', {
      writes: poolUse,
      reads: poolUse,
    }),
    breakers: object('The state of the breaker of each pool', { writes: breaker, reads: breaker }),
    queues: {
      ...byName(
        object('The due tasks of a namespace', {
          depth: count,
          is_capped: { type: 'boolean', description: 'Whether there are more than `depth`' },
          oldest_wait_seconds: { type: 'number', minimum: 0 },
          pauses: { ...count, description: 'Pauses of the namespace and of names in it' },
        }),
      ),
      description: 'By namespace. Null while Postgres cannot be read',
    },
    live_runners: {
      ...byName(count),
      description:
        'By task name: the number of runners that can execute it. Null while Postgres cannot be read',
    },
  }),
  Readiness: object('Whether the process may receive traffic', {
    status: { type: 'string', enum: ['ready', 'not_ready'] },
    checks,
  }),
  Liveness: object('The process runs', { status: { type: 'string', const: 'live' } }),
};

/** The paths that describe the process itself: its probes (specification A12) and its docs (A15). */
export function processPaths(): Paths {
  const ready = {
    200: jsonAnswer('The process may receive traffic', ref('Readiness')),
    503: jsonAnswer('The process may not receive traffic; failed checks say why', ref('Readiness')),
  };
  const live = { 200: jsonAnswer('The process runs', ref('Liveness')) };
  return {
    // It answers in every state of the process.
    '/health': probe(
      'getHealth',
      'Read the health of the process',
      { 200: jsonAnswer('The health', ref('Health')) },
      processFailures(),
    ),
    '/ready': probe('getReadiness', 'Check whether the process may receive traffic', ready),
    '/live': probe('getLiveness', 'Check that the process runs', live),
    '/health/ready': probe('getHealthReadiness', 'The same as /ready', ready),
    '/health/live': probe('getHealthLiveness', 'The same as /live', live),
    '/health/detailed': probe('getHealthDetails', 'Read the health of the process in detail', {
      200: jsonAnswer('The health in detail', ref('HealthDetails')),
    }),
    '/metrics': page('getMetrics', 'The metrics of the process, for Prometheus', 'text/plain'),
    '/openapi.yaml': page('getOpenApi', 'This document', 'application/yaml', 429),
    '/docs': page('getDocs', 'The interactive docs', 'text/html', 429),
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

function page(
  operationId: string,
  summary: string,
  type: string,
  ...failures: FailureStatus[]
): Record<string, Operation> {
  const content = { [type]: { schema: { type: 'string' } } };
  const responses = { ...processFailures(503, ...failures), 200: { description: summary, content } };
  return { get: { tags: ['process'], operationId, summary, responses } };
}
