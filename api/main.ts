import { checkDatabase, connectDatabase } from '../process/database.ts';
import { announce, closeServer, listen, portOf } from '../process/http.ts';
import { prepare } from '../process/prepare.ts';
import { runMain, startStep } from '../process/start.ts';
import { stopOnSignal } from '../process/stop.ts';
import { registerDefinitions } from '../store/definitions.ts';
import { migrate } from '../store/migrate.ts';
import { loadRegistry } from '../tasks/index.ts';
import { createApp } from './app.ts';
import { submitInGroups } from './group.ts';

// `npm run api`: the HTTP side of Errand, stateless, as many as wanted. The order is that of X11.
await runMain(async () => {
  const { config, log } = await prepare('api');
  const pool = await startStep(log, 'database', () =>
    connectDatabase(config, log, {
      applicationName: 'errand api',
      statementTimeoutMs: config.REQUEST_TIMEOUT_SECS * 1_000,
    }),
  );
  await startStep(log, 'migrations', () => migrate(pool));
  const registry = await startStep(log, 'definitions', async () => {
    const loaded = loadRegistry(config);
    await registerDefinitions(pool, loaded.definitions);
    return loaded;
  });
  const stopping = new AbortController();
  const app = createApp({
    pool,
    registry,
    log,
    submitOne: submitInGroups(pool),
    stopping: stopping.signal,
    validateResponses: config.NODE_ENV === 'test',
    probeSource: {
      process: 'api',
      isDraining: () => stopping.signal.aborted,
      checks: async () => [await checkDatabase(pool)],
    },
  });
  const server = await startStep(log, 'http', () =>
    listen(app, { host: config.SERVER_HOST, port: config.SERVER_PORT, variable: 'SERVER_PORT' }),
  );
  log.info({ port: portOf(server), tasks: registry.definitions.length }, 'api is ready');
  const timeoutMs = config.SHUTDOWN_TIMEOUT_SECS * 1_000;
  stopOnSignal(log, timeoutMs + 5_000, async () => {
    stopping.abort();
    await closeServer(server, timeoutMs);
    await pool.end();
  });
  announce(server);
});
