import type { RequestListener, Server } from 'node:http';
import { extname, join } from 'node:path';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { runnerListening } from '../config/listening.ts';
import type { Config } from '../config/schema.ts';
import { connectDatabase, connectionConfig, migrateDatabase } from '../process/database.ts';
import { announce, closeServer, listen, portOf } from '../process/http.ts';
import { prepare } from '../process/prepare.ts';
import { lifecycleLevel, untilOrdered } from '../process/standby.ts';
import { runMain, startStep, warnOfDefinitions } from '../process/start.ts';
import { VERSION } from '../process/version.ts';
import { watchWaiting } from '../process/waiting.ts';
import { loadProject } from '../project/project.ts';
import { registerDefinitions } from '../store/submit/definitions.ts';
import { ownDefinitions } from '../tasks/index.ts';
import { allHandlers } from './builtin/registered_handlers.ts';
import { containFaults } from './execute/containment.ts';
import type { RegisteredHandler } from './execute/execute.ts';
import { createTaskLog } from './execute/task_log.ts';
import { keepFigures } from './health/figures.ts';
import { runnerApp, startingApp } from './health/http.ts';
import { createMetrics } from './health/metrics.ts';
import { createEvents } from './record/events.ts';
import { superviseRunner } from './supervisor.ts';

const DEFAULT_PORT = 8081;
/**
 * No statement of a runner should take this long. After this time it is cancelled and tried again.
 * A broken connection is noticed a second later.
 */
const STATEMENT_TIMEOUT_MS = 5_000;
/** Time after the drain to write the last outcomes, even if Postgres is away at first. */
const FLUSH_TIMEOUT_MS = 15_000;

// `npm run runner` starts one runner of the pool; start as many as needed. The order is that of
// X11, but the probes answer before the database is connected: waiting for it, or for a migration,
// may take long.
await runMain(async () => {
  const { config, log, destination, onSignal, stopBroken } = await prepare('runner');
  let app: RequestListener = startingApp();
  const server = await startStep(log, 'probes', () =>
    serve(config, (request, response) => app(request, response), log),
  );
  const pgPool = await startStep(log, 'database', () =>
    connectDatabase(config, log, {
      applicationName: 'errand runner',
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    }),
  );
  containFaults({ pgPool, log, onUnknown: stopBroken });
  await startStep(log, 'migrations', () => migrateDatabase(config, log, pgPool));
  const registeredHandlers = await startStep(log, 'definitions', () => loadAll(config, pgPool));
  const definitions = Array.from(registeredHandlers.values(), ({ definition }) => definition);
  warnOfDefinitions(log, definitions);
  const events = createEvents(log);
  const names = [...registeredHandlers.keys()];
  const figures = keepFigures(events, names);
  const metrics = createMetrics(events, names);
  const starting = startStep(log, 'runner', () =>
    superviseRunner({
      config,
      pgPool,
      connection: { ...connectionConfig(config), application_name: 'errand lease' },
      log,
      taskLog: createTaskLog(log, destination),
      events,
      version: VERSION,
      registeredHandlers,
      aloneScript: join(import.meta.dirname, 'alone', `alone${extname(import.meta.filename)}`),
    }),
  );
  const stopping = new AbortController();
  let draining = false;
  // Before the runner has started: it may have started tasks by then, and these are handed over
  // like any others.
  onSignal({
    timeoutMs: (config.SHUTDOWN_TIMEOUT_SECS + config.ABORT_GRACE_SECS) * 1_000 + FLUSH_TIMEOUT_MS,
    stop: async () => {
      draining = true;
      stopping.abort();
      await (await starting).stop();
      await closeServer(server, 1_000);
      await pgPool.end();
    },
  });
  const runner = await starting;
  const isDraining = (): boolean => draining;
  await startStep(log, 'http', () => {
    app = runnerApp({ config, pgPool, runner, definitions, figures, metrics, isDraining });
  });
  log[lifecycleLevel()](
    { port: portOf(server), runner_id: runner.id(), tasks: registeredHandlers.size },
    'runner is ready',
  );
  // The start does not wait for it: the findings are logged.
  void watchWaiting({ database: pgPool, definitions, log, stopping: stopping.signal }).report();
  announce(server);
});

async function serve(config: Config, listener: RequestListener, log: Logger): Promise<Server> {
  const { host, why } = runnerListening(config);
  const server = await listen(listener, {
    host,
    port: config.RUNNER_PORT ?? DEFAULT_PORT,
    variable: 'RUNNER_PORT',
    orNext: config.RUNNER_PORT === undefined,
  });
  log[lifecycleLevel()]({ host, port: portOf(server) }, `listening on ${host}: ${why}`);
  return server;
}

/** Loads the handlers of all tasks, then registers the definitions: a project that is wrong changes nothing. */
async function loadAll(config: Config, pgPool: Pool): Promise<Map<string, RegisteredHandler>> {
  const project = await loadProject(config);
  const handlers = await allHandlers(config, pgPool, project);
  await untilOrdered('commit', 'prepared');
  await registerDefinitions(pgPool, [...project.registry.definitions, ...ownDefinitions]);
  return handlers;
}
