import type { RequestListener, Server } from 'node:http';
import { extname, join } from 'node:path';
import type { Logger } from 'pino';
import { runnerListening } from '../config/listening.ts';
import type { Config } from '../config/schema.ts';
import { closePool, migrateDatabase } from '../process/database.ts';
import { announce, closeServer, listen, portOf } from '../process/http.ts';
import { prepare } from '../process/prepare.ts';
import { lifecycleLevel } from '../process/standby.ts';
import { runMain, startStep } from '../process/start.ts';
import { trimHeap } from '../process/trim_heap.ts';
import { loadProject } from '../project/project.ts';
import { containFaults } from './execute/containment.ts';
import { runnerApp, startingApp } from './health/http.ts';
import { connectRunner, startRunner } from './start_runner.ts';

const DEFAULT_PORT = 8081;
/** Time after the drain to write the last outcomes, even if Postgres is away at first. */
const FLUSH_TIMEOUT_MS = 15_000;

// `npm run runner` starts one runner of the pool; start as many as needed. The order is that of
// X11, but the probes answer before the database is connected: waiting for it, or for a migration,
// may take long.
await runMain(async () => {
  const { config, log, destination, onSignal, stopBroken } = await prepare('runner');
  let app: RequestListener = startingApp(config);
  const server = await startStep(log, 'probes', () =>
    serve(config, (request, response) => app(request, response), log),
  );
  const pgPool = await startStep(log, 'database', () => connectRunner(config, log));
  containFaults({ pgPool, log, onUnknown: stopBroken });
  await startStep(log, 'migrations', () => migrateDatabase(config, log, pgPool));
  const starting = await startRunner({
    ...{ config, log, destination, pgPool },
    project: await loadProject(config),
    aloneScript: join(import.meta.dirname, 'alone', `alone${extname(import.meta.filename)}`),
    mayEndProcess: true,
    onDeaf: stopBroken,
  });
  const { definitions, figures, metrics, isDraining } = starting;
  // Before the runner has started: it may have started tasks by then, and these are handed over
  // like any others.
  onSignal({
    timeoutMs: (config.SHUTDOWN_TIMEOUT_SECS + config.ABORT_GRACE_SECS) * 1_000 + FLUSH_TIMEOUT_MS,
    stop: async () => {
      await starting.stop();
      await closeServer(server, 1_000);
      await closePool(pgPool);
    },
  });
  const runner = await starting.started;
  await startStep(log, 'http', () => {
    app = runnerApp({ config, pgPool, runner, definitions, figures, metrics, isDraining });
  });
  trimHeap();
  log[lifecycleLevel()](
    { port: portOf(server), runner_id: runner.id(), tasks: definitions.length },
    'runner is ready',
  );
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
