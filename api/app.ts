import cors from 'cors';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import type { Config } from '../config/schema.ts';
import type { Registry } from '../core/registry.ts';
import { type ProbeSource, probes } from '../process/probes.ts';
import { type WaitingTasks, watchWaiting } from '../process/waiting.ts';
import { accessLog } from './access_log.ts';
import { identify, principalOf } from './auth/identify.ts';
import type { Authenticate } from './auth/principal.ts';
import { type Backpressure, UNLIMITED } from './backpressure.ts';
import { parseBody, readBody } from './body.ts';
import { createBreaker } from './breaker.ts';
import type { Api } from './call.ts';
import { docs } from './docs.ts';
import { answerError } from './errors.ts';
import { submitInGroups } from './group.ts';
import { type InFlight, limitInFlight } from './in_flight.ts';
import { type ApiMetrics, createMetrics } from './metrics.ts';
import { contractOf } from './openapi/contract.ts';
import { assertPolicies, SOCKET_PATH } from './operations.ts';
import { limitRate, type RateLimits } from './rate_limit.ts';
import { assignRequestId } from './request.ts';
import { authoriseByPolicy, destinationOf, operate } from './routing.ts';
import { refuseByState, type StateHolder } from './state.ts';
import type { StreamTiming } from './streams/event_stream.ts';
import { createSockets } from './streams/sockets.ts';
import { createStreams } from './streams/streams.ts';
import { findDefinition } from './submission.ts';
import { checkUrl } from './url.ts';
import { warmUp } from './warm_up.ts';
import { type WebhookConfig, webhookSources } from './webhooks/sources.ts';
import { expectSignature, verifySignature } from './webhooks/verify.ts';

export type AppConfig = RateLimits &
  WebhookConfig &
  Pick<
    Config,
    | 'ALLOW_PRIVATE_TARGETS'
    | 'AUTH_READS'
    | 'BREAKER_OPEN_SECS'
    | 'CORS_ORIGINS'
    | 'MAX_REQUESTS_IN_FLIGHT'
    | 'MAX_STREAMS'
    | 'REQUEST_TIMEOUT_SECS'
    | 'TRUST_PROXY'
    | 'WS_HEARTBEAT_SECS'
    | 'WEBHOOK_SECRETS'
  >;

export type AppOptions = {
  config: AppConfig;
  registry: Registry;
  /** For what writes, and for what only reads. */
  pool: Pool;
  readPool: Pool;
  log: Logger;
  state: StateHolder;
  /** Null: nobody has to say who they are. */
  authenticate: Authenticate | null;
  backpressure?: Backpressure;
  /** In tests: instead of writing to Postgres. */
  submitOne?: Api['submitOne'];
  probeSource: ProbeSource;
  /** Aborted when the process is on its way out. */
  stopping: AbortSignal;
  /** In tests: shorter times of streams. */
  streamTiming?: StreamTiming;
  /** In tests: whether responses are held against the OpenAPI document too. */
  validateResponses: boolean;
};

/** The API, what has its validators compiled before the first request needs them, and what it knows of the tasks that wait. */
export type App = { app: Express; warmUp: () => Promise<void>; waiting: WaitingTasks };

/**
 * The API as an Express application: its middleware in the order of the specification (A2), then its operations.
 * Throws when an operation of the document has no policy.
 */
export function createApp(options: AppOptions): App {
  const { config, registry, state } = options;
  // An ETag would be made of each answer, that of a submission too, where it would stand for the task (RFC 9110 §15.3.2).
  const app = express().disable('x-powered-by').disable('etag').set('trust proxy', config.TRUST_PROXY);
  const { document, requests, responses } = contractOf(registry.definitions);
  assertPolicies(document);
  const webhooks = webhookSources(config, registry);
  const inFlight = limitInFlight({ requests: config.MAX_REQUESTS_IN_FLIGHT, streams: config.MAX_STREAMS });
  const databases = databasesOf(options);
  const metrics = createMetrics({ registry, databases, state, inFlight });
  // Request id, then log: whatever goes wrong after here has both.
  app.use(pinoHttp({ logger: options.log, genReqId: assignRequestId, ...accessLog(document) }));
  app.use(metrics.measure);
  app.use(...headers(config));
  app.use(refuseByState(state));
  app.use(probes({ ...options.probeSource, details: metrics.details }), metrics.router);
  app.use(inFlight.middleware);
  app.use(docs(document));
  app.use(headAsGet);
  app.use(identify(options.authenticate), ...limitRate(config));
  const api = apiOf(options, databases, metrics, inFlight);
  app.use(authoriseByPolicy(!config.AUTH_READS), checkUrl);
  app.get(SOCKET_PATH, createSockets(api, config.WS_HEARTBEAT_SECS * 1_000));
  app.use(refuseUnknownTask(registry));
  app.post(WEBHOOK_PATH, expectSignature(webhooks));
  app.use(readBody);
  // Over the bytes as they came: nothing is made of what nobody has signed.
  app.post(WEBHOOK_PATH, verifySignature(webhooks));
  app.use(parseBody);
  app.use(requests);
  if (options.validateResponses) app.use(responses());
  app.use(operate(api));
  app.use(answerError);
  return { app, warmUp: () => warmUp(requests, document, registry.definitions), waiting: api.waiting };
}

/** Of every sender, those with a path of their own too. */
const WEBHOOK_PATH = '/v1/webhooks/:source';

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
  { submitted }: ApiMetrics,
  inFlight: InFlight,
): Api {
  const { config, registry, pool, stopping, log } = options;
  const { pool: readPool, breaker } = databases.reads;
  const streams = createStreams({
    connection: readPool.options,
    database: breaker.guard(readPool),
    log,
    ...(options.streamTiming === undefined ? {} : { timing: options.streamTiming }),
  });
  stopping.addEventListener('abort', streams.feed.close);
  return {
    registry,
    databases,
    requestTimeoutMs: config.REQUEST_TIMEOUT_SECS * 1_000,
    submitOne: options.submitOne ?? submitInGroups(databases.writes.breaker.guard(pool)),
    submitted,
    admit: (options.backpressure ?? UNLIMITED).admit,
    callbacks: { secrets: config.WEBHOOK_SECRETS, allowPrivate: config.ALLOW_PRIVATE_TARGETS },
    waiting: watchWaiting({
      database: breaker.guard(readPool),
      definitions: registry.definitions,
      log,
      stopping,
    }),
    streams,
    inFlight,
    stopping,
  };
}

function headers(config: AppConfig): RequestHandler[] {
  return [
    // TLS ends before us, if at all: asking browsers for https would break the docs page on a plain host.
    helmet({
      strictTransportSecurity: false,
      contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    }),
    cors({
      origin: config.CORS_ORIGINS,
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: [
        'Content-Type',
        'Authorization',
        'X-Request-Id',
        'X-API-Key',
        'Idempotency-Key',
        'Last-Event-ID',
      ],
      exposedHeaders: ['X-Request-Id', 'Location', 'Link', 'Retry-After', 'RateLimit', 'RateLimit-Policy'],
      credentials: true,
      maxAge: 3_600,
    }),
  ];
}

/** Before the validator, which would say of an unknown task just that there is no such path. */
function refuseUnknownTask(registry: Registry): RequestHandler {
  return (request, _response, next) => {
    const { place, params } = destinationOf(request);
    if (place !== null && PATHS_OF_TASK.has(place.path))
      findDefinition({ registry, principal: principalOf(request) }, String(params().name), '/path/name');
    next();
  };
}

const PATHS_OF_TASK = new Set(['/v1/tasks/:name', '/v1/tasks/:name/batch']);

const headAsGet: RequestHandler = (request, response, next) => {
  // The validator knows only the methods of the document; for Node a HEAD stays one and gets no body.
  response.locals.isHead = request.method === 'HEAD';
  if (request.method === 'HEAD') request.method = 'GET';
  next();
};
