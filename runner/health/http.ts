import { hostname } from 'node:os';
import express, { type ErrorRequestHandler, type Express } from 'express';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import { runnerListening } from '../../config/listening.ts';
import type { Config } from '../../config/schema.ts';
import { ErrandError, STATUS_BY_CODE } from '../../core/errors.ts';
import { namespaceOf, type TaskDefinition } from '../../core/task.ts';
import { databaseCheck, sharedCheck } from '../../process/database.ts';
import { refuseForeignHosts } from '../../process/host_names.ts';
import { type Check, probes } from '../../process/probes.ts';
import { sharedReading } from '../../process/shared_reading.ts';
import { requireTaken } from '../../process/taken.ts';
import { VERSION } from '../../process/version.ts';
import { tryWriting } from '../../store/database/writing.ts';
import { readQueueDepths } from '../../store/stats/namespaces.ts';
import type { SupervisedRunner } from '../supervisor.ts';
import type { Figures } from './figures.ts';
import { gaugeLoad } from './metrics.ts';
import { type Depths, type NamespaceFigures, namespaceFigures } from './namespaces.ts';
import { type SystemMetrics, watchSystem } from './system_metrics.ts';

/**
 * The queue depths are read from Postgres at most once in this time, however many requests ask, and
 * no request waits longer than this for them.
 */
const DEPTHS = { keepMs: 2_000, waitBudgetMs: 1_500 };

const TAKEN_MS = 30_000;

export type RunnerHttpOptions = {
  config: Config;
  pgPool: Pool;
  runner: SupervisedRunner;
  definitions: readonly TaskDefinition[];
  figures: Figures;
  metrics: Registry;
  isDraining: () => boolean;
};

/** The health of a runner (specification X9). */
type Health = {
  status: 'ok' | 'degraded' | 'draining';
  worker_id: number;
  worker_type: 'errand-runner';
  version: string;
  uptime_seconds: number;
  checks: Check[];
  namespaces: Record<string, NamespaceFigures>;
  system_metrics: SystemMetrics;
};

/** Answers until the runner has started: it is live but not ready. */
export function startingApp(): Express {
  const check: Check = { name: 'start', status: 'failed', message: 'the runner is starting' };
  return express()
    .disable('x-powered-by')
    .use(probes({ process: 'runner', isDraining: () => false, checks: async () => [check] }));
}

/**
 * The HTTP server of a runner (specification X9): `/health` with its figures, `/status` with its
 * configuration as well, `/metrics` for Prometheus, and the probes of every process. `/metrics` and
 * `/live` do not ask Postgres. The others also answer if Postgres does not.
 */
export function runnerApp(options: RunnerHttpOptions): Express {
  const { config, pgPool, runner, figures, metrics, isDraining } = options;
  gaugeLoad(metrics, { slots: config.RUNNER_CONCURRENCY, pool: pgPool, figures, load: runner.load });
  const health = healthReader(options);
  const checkDatabase = databaseCheck(pgPool);
  const checkWriting = writingCheck(options);
  const app = express().disable('x-powered-by');
  app.use(requireTaken(TAKEN_MS), refuseForeignHosts(runnerListening(config)));
  app.get('/health', async (_request, response) => {
    response.json(await health());
  });
  app.get('/status', async (_request, response) => {
    response.json({ ...(await health()), ...statusDetails(options) });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.metrics());
  });
  app.use(
    probes({
      process: 'runner',
      isDraining,
      checks: async () => [...(await Promise.all([checkDatabase(), checkWriting()])), fetchCheck(runner)],
    }),
    answerRefusal,
  );
  return app;
}

const answerRefusal: ErrorRequestHandler = (error, _request, response, next) => {
  if (!(error instanceof ErrandError)) return next(error);
  response.status(STATUS_BY_CODE[error.code]).json({ error: error.message, code: error.code });
};

function healthReader(options: RunnerHttpOptions): () => Promise<Health> {
  const { pgPool, runner, figures, definitions, isDraining } = options;
  const names = definitions.map(({ name }) => name);
  const readDepths = sharedReading(() => readDepthsOf(pgPool, names, runner.pauses().isPaused), DEPTHS);
  const readSystem = watchSystem(pgPool, () => runner.load().dispatchesInHand);
  return async () => {
    const depths = await readDepths();
    const active = Map.groupBy(runner.load().names, namespaceOf);
    const pauses = runner.pauses();
    const namespaces = Object.fromEntries(
      Array.from(figures.namespaces, ([namespace, work]) => {
        const underWay = active.get(namespace)?.length ?? 0;
        return [namespace, namespaceFigures(namespace, work, underWay, depths.value, pauses)];
      }),
    );
    const database: Check =
      depths.value === null
        ? { name: 'database', status: 'failed', message: depths.why }
        : { name: 'database', status: 'ok' };
    const checks = [database, fetchCheck(runner)];
    const isHealthy =
      checks.every(({ status }) => status === 'ok') &&
      Object.values(namespaces).every(({ health_status }) => health_status !== 'degraded');
    return {
      status: isDraining() ? 'draining' : isHealthy ? 'ok' : 'degraded',
      worker_id: runner.id(),
      worker_type: 'errand-runner',
      version: VERSION,
      uptime_seconds: Math.round(process.uptime()),
      checks,
      namespaces,
      system_metrics: readSystem(),
    };
  };
}

/**
 * The queue depths of these names. While some of them are paused, the others are also counted
 * separately.
 */
async function readDepthsOf(
  pgPool: Pool,
  names: string[],
  isPaused: (name: string) => boolean,
): Promise<Depths> {
  const all = await readQueueDepths(pgPool, names);
  if (!names.some(isPaused)) return { all, unpaused: all };
  const unpaused = names.filter((name) => !isPaused(name));
  return { all, unpaused: await readQueueDepths(pgPool, unpaused) };
}

/**
 * Checks whether Postgres can be written. The lease is written all the time, so a test row is
 * written only if the lease was not renewed recently.
 */
function writingCheck({ config, pgPool, figures }: RunnerHttpOptions): () => Promise<Check> {
  return sharedCheck('writing', () =>
    tryWriting(pgPool, figures.heartbeatAge() > config.RUNNER_LEASE_SECS / 2),
  );
}

function fetchCheck(runner: SupervisedRunner): Check {
  return runner.isFetching()
    ? { name: 'pool', status: 'ok' }
    : { name: 'pool', status: 'failed', message: 'no graphile-worker pool fetches dispatches' };
}

/** The identity of this runner, its configuration and its tasks. */
function statusDetails({ config, figures, definitions }: RunnerHttpOptions): Record<string, unknown> {
  return {
    host: hostname(),
    pid: process.pid,
    live_since: figures.liveSince(),
    registrations: figures.registrations(),
    heartbeat_age_seconds: figures.heartbeatAge(),
    configuration: {
      concurrency: config.RUNNER_CONCURRENCY,
      lease_seconds: config.RUNNER_LEASE_SECS,
      shutdown_timeout_seconds: config.SHUTDOWN_TIMEOUT_SECS,
      abort_grace_seconds: config.ABORT_GRACE_SECS,
      retention_hours: config.RETENTION_HOURS,
      failed_retention_hours: config.FAILED_RETENTION_HOURS,
      database_pool_size: config.DATABASE_POOL_SIZE,
    },
    tasks: definitions.map(({ name, version }) => ({ name, version })),
  };
}
