import { type RequestHandler, Router } from 'express';
import { Counter, collectDefaultMetrics, Gauge, Registry as Metrics } from 'prom-client';
import type { Registry } from '../../core/registry.ts';
import { poolUse } from '../../process/database.ts';
import type { Reading } from '../../process/shared_reading.ts';
import type { SubmitOutcome } from '../../store/submit/submit.ts';
import type { BreakerState } from '../capacity/breaker.ts';
import { type InFlight, STREAM_KINDS } from '../capacity/in_flight.ts';
import { OPERATIONAL_STATES, type StateHolder } from '../capacity/state.ts';
import type { Api } from '../context.ts';
import type { QueueNames } from '../registered/queue_names.ts';
import type { CountChanges } from '../streams/feed/feed.ts';
import { countChanges } from './feed_metrics.ts';
import { measureRequests } from './http_metrics.ts';
import { gaugeQueues, type Queues, queueReader } from './queue_metrics.ts';

const BREAKER_STATES: BreakerState[] = ['closed', 'open', 'half_open'];
const OUTCOMES: SubmitOutcome[] = ['created', 'duplicate', 'rearmed', 'conflict', 'debounced', 'throttled'];

/** The parts of the process that metrics are read from. */
type Sources = {
  registry: Registry;
  /** The names that the gauges of the queues are about. */
  names: QueueNames;
  databases: Api['databases'];
  state: StateHolder;
  inFlight: InFlight;
};

export type ApiMetrics = {
  /** Counts the changes that arrive from Postgres, and those that were sent or missed. */
  changes: CountChanges;
  /** Measures all handlers after it. */
  measure: RequestHandler;
  /** `GET /metrics`. */
  router: Router;
  /** Counts the outcome of a submission. */
  submitted: Api['submitted'];
  /** The part of `/health/detailed` that `/health` does not have. */
  details: () => Promise<Record<string, unknown>>;
};

/**
 * Makes the Prometheus metrics of an API process (specification A12), in their own registry. Labels are names
 * of tasks, namespaces and path templates, never ids, paths or callers. The metrics answer within two seconds
 * even if Postgres is down.
 */
export function createMetrics(sources: Sources): ApiMetrics {
  const metrics = new Metrics();
  collectDefaultMetrics({ register: metrics });
  const measure = measureRequests(metrics);
  gaugeProcess(metrics, sources);
  const readQueues = queueReader(sources.databases.reads.pool, sources.names);
  gaugeQueues(metrics, readQueues);
  const router = Router();
  router.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.metrics());
  });
  return {
    measure,
    router,
    submitted: countSubmissions(metrics, sources.registry),
    changes: countChanges(metrics),
    details: async () => detailsOf(sources, await readQueues()),
  };
}

/** All series are created at the start with the value 0, so that the first event counts as an increase. */
function countSubmissions(metrics: Metrics, registry: Registry): Api['submitted'] {
  const submissions = new Counter({
    name: 'errand_submissions_total',
    help: 'Submissions, by outcome',
    labelNames: ['name', 'outcome'],
    registers: [metrics],
  });
  for (const { name } of registry.definitions) {
    for (const outcome of OUTCOMES) submissions.inc({ name, outcome }, 0);
  }
  return (name, outcome) => submissions.inc({ name, outcome });
}

/** Adds gauges for the state of the process. They are read at each scrape. */
function gaugeProcess(metrics: Metrics, { state, databases, inFlight }: Sources): void {
  new Gauge({
    name: 'errand_http_requests_in_flight',
    help: 'Requests in progress',
    registers: [metrics],
    collect() {
      this.set(inFlight.requests());
    },
  });
  new Gauge({
    name: 'errand_http_streams',
    help: 'Open event streams and WebSockets',
    labelNames: ['kind'],
    registers: [metrics],
    collect() {
      for (const kind of STREAM_KINDS) this.set({ kind }, inFlight.streams(kind));
    },
  });
  new Gauge({
    name: 'errand_operational_state',
    help: 'The state of the process: 1 for the current state, 0 for others',
    labelNames: ['state'],
    registers: [metrics],
    collect() {
      for (const one of OPERATIONAL_STATES) this.set({ state: one }, state.current() === one ? 1 : 0);
    },
  });
  new Gauge({
    name: 'errand_breaker_state',
    help: 'The state of the breaker in front of a pool: 1 for the current state, 0 for others',
    labelNames: ['pool', 'state'],
    registers: [metrics],
    collect() {
      for (const [pool, { breaker }] of Object.entries(databases)) {
        for (const one of BREAKER_STATES) this.set({ pool, state: one }, breaker.state() === one ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: 'errand_pool_connections',
    help: 'Database connections that are busy or idle, and requests that are waiting for one',
    labelNames: ['pool', 'state'],
    registers: [metrics],
    collect() {
      for (const [name, { pool }] of Object.entries(databases)) {
        for (const [one, count] of Object.entries(poolUse(pool))) this.set({ pool: name, state: one }, count);
      }
    },
  });
}

function detailsOf(
  { state, databases, inFlight }: Sources,
  reading: Reading<Queues>,
): Record<string, unknown> {
  const { writes, reads } = databases;
  return {
    state: state.current(),
    requests_in_flight: inFlight.requests(),
    streams: inFlight.streams('event_stream'),
    websockets: inFlight.streams('websocket'),
    pools: { writes: poolUse(writes.pool), reads: poolUse(reads.pool) },
    breakers: { writes: writes.breaker.state(), reads: reads.breaker.state() },
    ...(reading.value === null ? { queues: null, live_runners: null } : queuesOf(reading.value)),
  };
}

function queuesOf({ depths, pauses, liveRunners }: Queues): Record<string, unknown> {
  const queues = Array.from(depths, ([namespace, { depth, isCapped, oldestWaitSecs }]) => [
    namespace,
    {
      depth,
      is_capped: isCapped,
      oldest_wait_seconds: oldestWaitSecs,
      pauses: pauses.get(namespace) ?? 0,
    },
  ]);
  return { queues: Object.fromEntries(queues), live_runners: Object.fromEntries(liveRunners) };
}
