import { hostname } from 'node:os';
import express, { type Express } from 'express';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.ts';
import { namespaceOf, type TaskDefinition } from '../core/task.ts';
import { checkDatabase } from '../process/database.ts';
import { type Check, probes } from '../process/probes.ts';
import { sharedReading } from '../process/shared_reading.ts';
import { VERSION } from '../process/version.ts';
import { readQueueDepths } from '../store/namespaces.ts';
import type { Figures } from './figures.ts';
import type { KeptRunner } from './keep_runner.ts';
import { gaugeLoad } from './metrics.ts';
import { type Depths, type NamespaceFigures, namespaceFigures } from './namespaces.ts';
import { type SystemMetrics, watchSystem } from './system_metrics.ts';

/** However many ask, what waits is read from Postgres once in this time, and nobody waits longer for it. */
const DEPTHS = { keepMs: 2_000, patienceMs: 1_500 };

export type RunnerHttpOptions = {
  config: Config;
  pgPool: Pool;
  runner: KeptRunner;
  definitions: readonly TaskDefinition[];
  figures: Figures;
  metrics: Registry;
  isDraining: () => boolean;
};

/** How a runner is (specification X9). */
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

/**
 * The HTTP of a runner (specification X9): `/health` with its figures, `/status` with its configuration as well,
 * `/metrics` for Prometheus, and the probes of every process. `/metrics` and `/live` ask Postgres nothing, the
 * others answer also when it does not.
 */
export function runnerApp(options: RunnerHttpOptions): Express {
  const { config, pgPool, runner, figures, metrics, isDraining } = options;
  gaugeLoad(metrics, { slots: config.RUNNER_CONCURRENCY, pool: pgPool, figures, load: runner.load });
  const health = healthReader(options);
  const app = express().disable('x-powered-by');
  app.get('/health', async (_request, response) => {
    response.json(await health());
  });
  app.get('/status', async (_request, response) => {
    response.json({ ...(await health()), ...standing(options) });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.metrics());
  });
  app.use(
    probes({
      process: 'runner',
      isDraining,
      checks: async () => [await checkDatabase(pgPool), fetchCheck(runner)],
    }),
  );
  return app;
}

function healthReader(options: RunnerHttpOptions): () => Promise<Health> {
  const { pgPool, runner, figures, definitions, isDraining } = options;
  const names = definitions.map(({ name }) => name);
  const readDepths = sharedReading(() => readDepthsOf(pgPool, names, runner.pauses().isPaused), DEPTHS);
  const readSystem = watchSystem(pgPool, () => runner.load().ringsInHand);
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
    const isWell =
      checks.every(({ status }) => status === 'ok') &&
      Object.values(namespaces).every(({ health_status }) => health_status !== 'degraded');
    return {
      status: isDraining() ? 'draining' : isWell ? 'ok' : 'degraded',
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

/** What waits of these names. While something of them is paused the rest is counted apart. */
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

function fetchCheck(runner: KeptRunner): Check {
  return runner.isFetching()
    ? { name: 'pool', status: 'ok' }
    : { name: 'pool', status: 'failed', message: 'no graphile-worker pool is fetching' };
}

/** Which runner this is, how it is set up, and what it can execute. */
function standing({ config, figures, definitions }: RunnerHttpOptions): Record<string, unknown> {
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
      database_pool_size: config.DATABASE_POOL_SIZE,
    },
    tasks: definitions.map(({ name, version }) => ({ name, version })),
  };
}
