import express, { type Express, type RequestHandler, type Response, Router } from 'express';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { createSharedReads } from '../core/concurrency/shared_reads.ts';
import type { Registry } from '../core/registry.ts';
import { answerHeaders } from '../process/answer_headers.ts';
import { type ProbeSource, probes } from '../process/probes.ts';
import { requireTaken } from '../process/taken.ts';
import { type WaitingTasks, watchWaiting } from '../process/waiting.ts';
import { followClock } from '../store/database/server_clock.ts';
import { clientOf, identify, principalOf } from './auth/identify.ts';
import type { Authenticate } from './auth/principal.ts';
import { createTickets } from './auth/tickets.ts';
import { type Backpressure, UNLIMITED } from './capacity/backpressure.ts';
import { createBreaker } from './capacity/breaker.ts';
import { type InFlight, limitInFlight } from './capacity/in_flight.ts';
import { sharePools } from './capacity/pool_shares.ts';
import { createShares } from './capacity/shares.ts';
import { refuseByState, type StateHolder } from './capacity/state.ts';
import type { Api } from './context.ts';
import { answerError } from './errors.ts';
import { type ApiMetrics, createMetrics } from './metrics/metrics.ts';
import { accessLog } from './middleware/access_log.ts';
import { answerJson } from './middleware/answer_json.ts';
import { bodyBounds, parseBody, readBody } from './middleware/body.ts';
import { shareBodies } from './middleware/body_shares.ts';
import { dashboard } from './middleware/dashboard.ts';
import { docs } from './middleware/docs.ts';
import { inOneLayer } from './middleware/in_one_layer.ts';
import { type ForeignSettings, refuseForeign } from './middleware/origins.ts';
import { limitPages, limitRate, type RateLimits } from './middleware/rate_limit.ts';
import { withWriting } from './middleware/readiness.ts';
import { checkUrl } from './middleware/url.ts';
import { contractOf } from './openapi/contract.ts';
import { assertPolicies, SOCKET_PATH } from './operations.ts';
import { publicUrls } from './public_url.ts';
import { createEstimates } from './registered/estimates.ts';
import { queueNames } from './registered/queue_names.ts';
import { createRegisteredTasks } from './registered/registered_tasks.ts';
import { apartFromOperations, at, authoriseByPolicy, destinationOf, operate } from './routing.ts';
import type { StreamTiming } from './streams/feed/event_stream.ts';
import { createStreams } from './streams/feed/streams.ts';
import { createSockets } from './streams/sockets.ts';
import { findKnown, findTask } from './submit/submission.ts';
import { submitInGroups } from './submit/submit_batcher.ts';
import { ROW_LIMIT_HEADER } from './tasks/export_tasks.ts';
import { warmUp } from './warm_up.ts';
import { requireWebhookTasks, type WebhookConfig, webhookSources } from './webhooks/sources.ts';
import { expectSignature, verifySignature } from './webhooks/verify.ts';

export type AppConfig = RateLimits &
  WebhookConfig &
  ForeignSettings &
  Pick<
    Config,
    | 'ALLOW_PRIVATE_TARGETS'
    | 'AUTH_READS'
    | 'BREAKER_OPEN_SECS'
    | 'MAX_BODY_MB'
    | 'MAX_WEBHOOK_MB'
    | 'MAX_REQUESTS_IN_FLIGHT'
    | 'MAX_STREAMS'
    | 'REQUEST_TIMEOUT_SECS'
    | 'SCHEDULE_HISTORY_DAYS'
    | 'TRUST_PROXY'
    | 'WS_HEARTBEAT_SECS'
    | 'WEBHOOK_SECRETS'
  >;

export type AppOptions = {
  config: AppConfig;
  registry: Registry;
  /** The repository of these tasks. Null or missing: it is not known. */
  project?: string | null;
  /** `pool` runs statements that write, `readPool` those that only read. */
  pool: Pool;
  readPool: Pool;
  log: Logger;
  state: StateHolder;
  /** Null if authentication is off: every caller is accepted. */
  authenticate: Authenticate | null;
  backpressure?: Backpressure;
  /** Tests replace the write to Postgres with this. */
  submitOne?: Api['submitOne'];
  probeSource: ProbeSource;
  /** Aborted when the process begins to stop. */
  stopping: AbortSignal;
  /** Tests use shorter times for streams. */
  streamTiming?: StreamTiming;
  /** Tests also validate responses against the OpenAPI document. */
  validateResponses: boolean;
};

/**
 * The API, its check of waiting tasks, and its work in progress. `warmUp` runs when the definitions are
 * registered: it compiles the validators, and rejects if webhooks name tasks that do not exist.
 */
export type App = { app: Express; warmUp: () => Promise<void>; waiting: WaitingTasks; inFlight: InFlight };

/**
 * The API as an Express application: its middleware in the order of the specification (A2), then its
 * operations. Throws if an operation of the document has no policy.
 */
export function createApp(options: AppOptions): App {
  const { config, registry, state } = options;
  // No ETag. Express would compute one for every answer. In the answer to a submission it would stand for the
  // task (RFC 9110 §15.3.2).
  const app = express().disable('x-powered-by').disable('etag').set('trust proxy', config.TRUST_PROXY);
  app.response.json = answerJson;
  const { document, requests, responses } = contractOf(registry.definitions);
  assertPolicies(document);
  const webhooks = webhookSources(config);
  const bounds = bodyBounds(config);
  const inFlight = limitInFlight({ requests: config.MAX_REQUESTS_IN_FLIGHT, streams: config.MAX_STREAMS });
  const databases = databasesOf(options);
  const names = queueNames(registry, options.project ?? null);
  const metrics = createMetrics({ registry, names, databases, state, inFlight });
  const api = apiOf(options, databases, metrics, inFlight);
  // Request id first, then the log, so that every later error has both.
  const arriving = [
    accessLog(app, options.log, document),
    metrics.measure,
    takenInTime(config),
    answerHeaders(config, HEADERS),
    ...(options.authenticate === null ? refuseForeign(config) : []),
    refuseByState(state),
  ];
  const probeSource = { ...withWriting(options.probeSource, databases.writes), details: metrics.details };
  const guards = [inFlight.enterPage, ...limitPages(config)];
  app.use(inOneLayer(...arriving));
  const pages = dashboard(guards, options.authenticate === null || !config.AUTH_READS);
  app.use(apartFromOperations(probes(probeSource), metrics.router, docs(document, guards), pages));
  const admitting = [
    ...[inFlight.enter, headAsGet, identify(options.authenticate, api.tickets), limitRate(config)],
    ...[inFlight.share, authoriseByPolicy(!config.AUTH_READS), checkUrl],
    atSocket(createSockets(api, config.WS_HEARTBEAT_SECS * 1_000)),
  ];
  const reading = [
    atWebhooks(expectSignature(webhooks)),
    ...[refuseUnknownTask(api), shareBodies(bounds), ...readBody(bounds)],
    // Verify the signature over the raw bytes. Nothing that is unsigned gets parsed.
    atWebhooks(verifySignature(webhooks)),
    ...[parseBody, requests],
  ];
  const checkingAnswers = options.validateResponses ? [responses()] : [];
  app.use(inOneLayer(...admitting, ...reading, ...checkingAnswers, operate(api)));
  app.use(answerError);
  return {
    app,
    async warmUp() {
      await requireWebhookTasks(config, api);
      await warmUp(requests, document, registry.definitions);
    },
    waiting: api.waiting,
    inFlight,
  };
}

/** Upper bound of the answer bytes that all clients together have not received yet. */
const MAX_UNTAKEN_BYTES = 256 * 1024 * 1024;

function takenInTime({ REQUEST_TIMEOUT_SECS }: AppConfig): RequestHandler {
  const untaken = createShares(MAX_UNTAKEN_BYTES, 'bytes of answers wait to be taken');
  return requireTaken<Response>(REQUEST_TIMEOUT_SECS * 1_000, (response, bytes) =>
    untaken.take(clientOf(response.req), bytes),
  );
}

/** The path of every sender, including senders that have an operation in the document (GitHub, Gitea). */
const WEBHOOK_PATH = '/v1/webhooks/:source';

function atWebhooks(handler: RequestHandler): RequestHandler {
  return at(({ policy }) => policy === 'signed', Router().post(WEBHOOK_PATH, handler));
}

function atSocket(handler: RequestHandler): RequestHandler {
  return at(({ path }) => path === SOCKET_PATH, Router().get(SOCKET_PATH, handler));
}

function databasesOf({ config, pool, readPool }: AppOptions): Api['databases'] {
  const openMs = config.BREAKER_OPEN_SECS * 1_000;
  return {
    writes: { pool, breaker: createBreaker(openMs) },
    reads: { pool: readPool, breaker: createBreaker(openMs) },
  };
}

function apiOf(
  options: AppOptions,
  databases: Api['databases'],
  { submitted, changes }: ApiMetrics,
  inFlight: InFlight,
): Api {
  const { config, registry, pool, stopping, log } = options;
  const requestTimeoutMs = config.REQUEST_TIMEOUT_SECS * 1_000;
  const { pool: readPool, breaker } = databases.reads;
  const reader = { connection: readPool.options, database: breaker.guard(readPool) };
  const streams = createStreams(options, { ...reader, count: changes });
  const clock = followClock(pool);
  stopping.addEventListener('abort', clock.close);
  const registered = createRegisteredTasks({
    database: databases.writes.breaker.guard(pool),
    reads: reader.database,
    registry,
    project: options.project ?? null,
    log,
  });
  return {
    registry,
    registered,
    databases,
    poolShares: sharePools(pool, readPool),
    shareRead: createSharedReads(),
    requestTimeoutMs,
    scheduleHistoryDays: config.SCHEDULE_HISTORY_DAYS,
    submitOne:
      options.submitOne ??
      submitInGroups({ ...databases.writes, clock, poolSize: pool.options.max ?? 10, requestTimeoutMs }),
    submitted,
    admit: (options.backpressure ?? UNLIMITED).admit,
    callbacks: { secrets: config.WEBHOOK_SECRETS, allowPrivate: config.ALLOW_PRIVATE_TARGETS },
    publicUrl: publicUrls(config),
    isAuthenticationOn: options.authenticate !== null,
    openReads: !config.AUTH_READS,
    waiting: watchWaiting({
      database: breaker.guard(readPool),
      definitions: registry.definitions,
      log,
      stopping,
    }),
    estimates: createEstimates(breaker.guard(readPool), log),
    streams,
    tickets: createTickets(breaker.guard(readPool), options.authenticate?.holds),
    inFlight,
    stopping,
  };
}

const HEADERS = {
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowed: ['Content-Type', 'Authorization', 'X-API-Key', 'Idempotency-Key', 'Last-Event-ID'],
  exposed: ['Location', 'Link', 'Retry-After', 'RateLimit', 'RateLimit-Policy', ROW_LIMIT_HEADER],
};

/**
 * Runs before the validator, whose error for an unknown task is only that the path does not exist. Only names
 * without code here need a read.
 */
function refuseUnknownTask({ registry, registered }: Api): RequestHandler {
  return (request, _response, next) => {
    const { place, params } = destinationOf(request);
    if (place === null || !PATHS_OF_TASK.has(place.path)) return next();
    const context = { registry, registered, principal: principalOf(request) };
    const name = String(params().name);
    if (findKnown(context, name) !== undefined) return next();
    findTask(context, name, '/path/name').then(() => next(), next);
  };
}

const PATHS_OF_TASK = new Set(['/v1/tasks/:name', '/v1/tasks/:name/batch']);

const headAsGet: RequestHandler = (request, response, next) => {
  // The validator knows only the methods of the document. Node still sees HEAD and sends no body.
  response.locals.isHead = request.method === 'HEAD';
  if (request.method === 'HEAD') request.method = 'GET';
  next();
};
