import type { RequestListener, Server } from 'node:http';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { type Registry, taskNames } from '../core/registry.ts';
import { checkDatabase, connectDatabase } from '../process/database.ts';
import { announce, closeServer, listen, portOf } from '../process/http.ts';
import { prepare } from '../process/prepare.ts';
import { runMain, startStep } from '../process/start.ts';
import { registerDefinitions } from '../store/definitions.ts';
import { migrate } from '../store/migrate.ts';
import { loadRegistry } from '../tasks/index.ts';
import { createApp } from './app.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { type Backpressure, limitDepth, UNLIMITED } from './backpressure.ts';
import { answerMalformed } from './malformed.ts';
import { createState, stateCheck } from './state.ts';
import { takeUpgrades, wantsWebSocket } from './streams/upgrade.ts';

// `npm run api`: the HTTP side of Errand, stateless, as many as wanted. The order is that of X11.
await runMain(async () => {
  const { config, log, onSignal } = await prepare('api');
  const authenticate = await startStep(log, 'authentication', () => createAuthenticate(config));
  if (authenticate === null && config.NODE_ENV === 'production')
    log.warn('AUTH_ENABLED=false in production: anybody who reaches this process may do anything');
  const { pool, readPool } = await startStep(log, 'database', () => connect(config, log));
  await startStep(log, 'migrations', () => migrate(pool));
  const registry = await startStep(log, 'definitions', () => register(config, pool));
  const backpressure = limitDepths(config, registry, readPool, log);
  const stopping = new AbortController();
  const state = createState();
  const { app, warmUp, waiting } = createApp({
    config,
    registry,
    pool,
    readPool,
    log,
    state,
    authenticate,
    backpressure,
    stopping: stopping.signal,
    validateResponses: config.NODE_ENV === 'test',
    probeSource: {
      process: 'api',
      isDraining: () => state.current() === 'draining',
      checks: async () => [await checkDatabase(pool), stateCheck(state)],
    },
  });
  const server = await startStep(log, 'http', () => serve(config, app));
  await startStep(log, 'validators', warmUp);
  state.started();
  log.info({ port: portOf(server), tasks: registry.definitions.length }, 'api is ready');
  process.on('SIGUSR2', () => {
    log.warn({ state: state.toggleEmergency() }, 'SIGUSR2: emergency switched on or off');
  });
  const timeoutMs = config.SHUTDOWN_TIMEOUT_SECS * 1_000;
  onSignal({
    timeoutMs: timeoutMs + 5_000,
    stop: async () => {
      state.drain();
      stopping.abort();
      backpressure.close();
      await closeServer(server, timeoutMs);
      await Promise.all([pool.end(), readPool.end()]);
    },
  });
  // It is no reason to wait: what is found is logged, and shown by GET /v1/handlers.
  void waiting.report();
  announce(server);
});

/** Two pools, so that slow reads can't keep submissions waiting (specification A13). */
async function connect(config: Config, log: Logger): Promise<{ pool: Pool; readPool: Pool }> {
  const statementTimeoutMs = config.REQUEST_TIMEOUT_SECS * 1_000;
  const [pool, readPool] = await Promise.all([
    connectDatabase(config, log, { applicationName: 'errand api', statementTimeoutMs }),
    connectDatabase(config, log, {
      applicationName: 'errand api reads',
      size: config.DATABASE_READ_POOL_SIZE,
      statementTimeoutMs,
    }),
  ]);
  return { pool, readPool };
}

async function register(config: Config, pool: Pool): Promise<Registry> {
  const registry = loadRegistry(config);
  await registerDefinitions(pool, registry.definitions);
  return registry;
}

function limitDepths(config: Config, registry: Registry, database: Pool, log: Logger): Backpressure {
  const limit = config.MAX_QUEUE_DEPTH;
  const names = taskNames(registry.definitions);
  return limit === undefined ? UNLIMITED : limitDepth({ database, names, limit, log });
}

async function serve(config: Config, app: RequestListener): Promise<Server> {
  const server = await listen(app, {
    host: config.SERVER_HOST,
    port: config.SERVER_PORT,
    variable: 'SERVER_PORT',
    onMalformed: answerMalformed,
    requestTimeoutMs: config.REQUEST_TIMEOUT_SECS * 1_000,
    shouldUpgrade: wantsWebSocket,
  });
  takeUpgrades(server, app);
  return server;
}
