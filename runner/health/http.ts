import { hostname } from 'node:os';
import { type Express, Router } from 'express';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import { runnerListening } from '../../config/listening.ts';
import type { Config } from '../../config/schema.ts';
import { namespaceOf, type TaskDefinition } from '../../core/task.ts';
import { databaseCheck, sharedCheck } from '../../process/database.ts';
import { refuseForeignHosts } from '../../process/host_names.ts';
import { type Check, probes } from '../../process/probes.ts';
import { type Reading, sharedReading } from '../../process/shared_reading.ts';
import { requireTaken } from '../../process/taken.ts';
import { VERSION } from '../../process/version.ts';
import { tryWriting } from '../../store/database/writing.ts';
import { readQueueDepths } from '../../store/stats/namespaces.ts';
import type { SupervisedRunner } from '../supervisor.ts';
import type { Figures } from './figures.ts';
import { likeTheApi } from './like_the_api.ts';
import { gaugeDepths, gaugeLoad } from './metrics.ts';
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
  /** The id of its present registration. */
  worker_id: string;
  worker_type: 'errand-runner';
  version: string;
  uptime_seconds: number;
  checks: Check[];
  namespaces: NamespaceFigures[];
  system_metrics: SystemMetrics;
};

/** Answers until the runner has started: it is live but not ready. */
export function startingApp(config: Pick<Config, 'CORS_ORIGINS'>): Express {
  const check: Check = { name: 'start', status: 'failed', message: 'the runner is starting' };
  return likeTheApi(config, [
    probes({ process: 'runner', isDraining: () => false, checks: async () => [check] }),
  ]);
}

/**
 * The HTTP server of a runner (specification X9): `/health` with its figures, `/status` with its
 * configuration as well, `/metrics` for Prometheus, and the probes of every process. `/live`
 * does not ask Postgres. The others also answer if Postgres does not.
 */
export function runnerApp(options: RunnerHttpOptions): Express {
  const { config, pgPool, runner, figures, metrics, isDraining } = options;
  const readDepths = depthsReader(options);
  gaugeLoad(metrics, { slots: config.RUNNER_CONCURRENCY, pool: pgPool, figures, load: runner.load });
  gaugeDepths(metrics, [...figures.namespaces.keys()], readDepths);
  const health = healthReader(options, readDepths);
  const checkDatabase = databaseCheck(pgPool);
  const checkWriting = writingCheck(options);
  const own = Router();
  own.get('/health', async (_request, response) => {
    response.json(await health());
  });
  own.get('/status', async (_request, response) => {
    response.json({ ...(await health()), ...statusDetails(options) });
  });
  own.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.metrics());
  });
  const ofAll = probes({
    process: 'runner',
    isDraining,
    checks: async () => [...(await Promise.all([checkDatabase(), checkWriting()])), fetchCheck(runner)],
  });
  const guards = [requireTaken(TAKEN_MS), refuseForeignHosts(runnerListening(config))];
  return likeTheApi(config, [own, ofAll], guards);
}

function depthsReader({ pgPool, definitions, runner }: RunnerHttpOptions): () => Promise<Reading<Depths>> {
  const names = definitions.map(({ name }) => name);
  return sharedReading(() => readDepthsOf(pgPool, names, runner.pauses().isPaused), DEPTHS);
}

function healthReader(
  options: RunnerHttpOptions,
  readDepths: () => Promise<Reading<Depths>>,
): () => Promise<Health> {
  const { pgPool, runner, figures, isDraining } = options;
  const readSystem = watchSystem(pgPool, () => runner.load().dispatchesInHand);
  return async () => {
    const depths = await readDepths();
    const active = Map.groupBy(runner.load().names, namespaceOf);
    const pauses = runner.pauses();
    const namespaces = Array.from(figures.namespaces, ([namespace, work]) => {
      const underWay = active.get(namespace)?.length ?? 0;
      return namespaceFigures(namespace, work, underWay, depths.value, pauses);
    });
    const database: Check =
      depths.value === null
        ? { name: 'database', status: 'failed', message: depths.why }
        : { name: 'database', status: 'ok' };
    const checks = [database, fetchCheck(runner)];
    const isHealthy =
      checks.every(({ status }) => status === 'ok') &&
      namespaces.every(({ health_status }) => health_status !== 'degraded');
    return {
      status: isDraining() ? 'draining' : isHealthy ? 'ok' : 'degraded',
      worker_id: String(runner.id()),
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
