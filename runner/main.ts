import type { Server } from 'node:http';
import type { Pool } from 'pg';
import type { Config } from '../config/schema.ts';
import { connectDatabase, connectionConfig } from '../process/database.ts';
import { announce, closeServer, listen, portOf } from '../process/http.ts';
import { prepare } from '../process/prepare.ts';
import { runMain, startStep } from '../process/start.ts';
import { VERSION } from '../process/version.ts';
import { watchWaiting } from '../process/waiting.ts';
import { registerDefinitions } from '../store/definitions.ts';
import { migrate } from '../store/migrate.ts';
import { loadRegistry, ownDefinitions } from '../tasks/index.ts';
import { createEvents } from './events.ts';
import { loadExecutables } from './executables.ts';
import type { Executable } from './execute.ts';
import { keepFigures } from './figures.ts';
import { runnerApp } from './http.ts';
import { keepRunner } from './keep_runner.ts';
import { createMetrics } from './metrics.ts';
import { ownExecutables } from './own_tasks.ts';
import { createTaskLog } from './task_log.ts';

const DEFAULT_PORT = 8081;
/**
 * Nothing that a runner writes should take this long; beyond it the statement is given up and tried again. A
 * connection whose other end is gone without a word is noticed a second later.
 */
const STATEMENT_TIMEOUT_MS = 5_000;
/** After the drain: for writing the last outcomes, also when Postgres has to come back first. */
const FLUSH_TIMEOUT_MS = 15_000;

// `npm run runner`: one process of the pool, started as often as wanted. The order is that of X11.
await runMain(async () => {
  const { config, log, destination, onSignal } = await prepare('runner');
  const pgPool = await startStep(log, 'database', () =>
    connectDatabase(config, log, {
      applicationName: 'errand runner',
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    }),
  );
  await startStep(log, 'migrations', () => migrate(pgPool));
  const executables = await startStep(log, 'definitions', () => loadAll(config, pgPool));
  const definitions = Array.from(executables.values(), ({ definition }) => definition);
  const events = createEvents(log);
  const names = [...executables.keys()];
  const figures = keepFigures(events, names);
  const metrics = createMetrics(events, names);
  const starting = startStep(log, 'runner', () =>
    keepRunner({
      config,
      pgPool,
      connection: { ...connectionConfig(config), application_name: 'errand lease' },
      log,
      taskLog: createTaskLog(log, destination),
      events,
      version: VERSION,
      executables,
    }),
  );
  const stopping = new AbortController();
  let draining = false;
  let server: Server | null = null;
  // Before the runner is up: it may have begun tasks by then, and they are handed over as any others.
  onSignal({
    timeoutMs: (config.SHUTDOWN_TIMEOUT_SECS + config.ABORT_GRACE_SECS) * 1_000 + FLUSH_TIMEOUT_MS,
    stop: async () => {
      draining = true;
      stopping.abort();
      await (await starting).stop();
      if (server !== null) await closeServer(server, 1_000);
      await pgPool.end();
    },
  });
  const runner = await starting;
  const isDraining = (): boolean => draining;
  const app = runnerApp({ config, pgPool, runner, definitions, figures, metrics, isDraining });
  server = await startStep(log, 'http', () =>
    listen(app, {
      host: config.SERVER_HOST,
      port: config.RUNNER_PORT ?? DEFAULT_PORT,
      variable: 'RUNNER_PORT',
      orNext: config.RUNNER_PORT === undefined,
    }),
  );
  log.info({ port: portOf(server), runner_id: runner.id(), tasks: executables.size }, 'runner is ready');
  // It is no reason to wait: what is found is logged.
  void watchWaiting({ database: pgPool, definitions, log, stopping: stopping.signal }).report();
  announce(server);
});

/** Loads the handlers of all tasks, also of those that Errand brings for its own work, and registers the definitions. */
async function loadAll(config: Config, pgPool: Pool): Promise<Map<string, Executable>> {
  const { definitions } = loadRegistry(config);
  await registerDefinitions(pgPool, [...definitions, ...ownDefinitions]);
  const own = ownExecutables(pgPool, {
    allowPrivate: config.ALLOW_PRIVATE_TARGETS,
    secrets: config.WEBHOOK_SECRETS ?? [],
  });
  return new Map([...(await loadExecutables(pgPool, definitions)), ...own]);
}
