import type { RequestListener, Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { apiListening } from '../config/listening.ts';
import type { Config } from '../config/schema.ts';
import { type Registry, taskNames } from '../core/registry.ts';
import { awaitDatabase, databaseCheck, migrateDatabase, openDatabase } from '../process/database.ts';
import { announce, closeServer, listen, portOf } from '../process/http.ts';
import { prepare } from '../process/prepare.ts';
import { handOver, isStandby, lifecycleLevel, onOrder, untilOrdered } from '../process/standby.ts';
import { runMain, startStep, warnOfDefinitions } from '../process/start.ts';
import type { HowToStop } from '../process/stop.ts';
import { loadProject, type Project } from '../project/project.ts';
import { registerDefinitions } from '../store/submit/definitions.ts';
import { ownDefinitions } from '../tasks/index.ts';
import { createApp } from './app.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { type Backpressure, limitDepth, UNLIMITED } from './capacity/backpressure.ts';
import type { InFlight } from './capacity/in_flight.ts';
import { createState, type StateHolder, stateCheck } from './capacity/state.ts';
import { answerMalformed } from './middleware/malformed.ts';
import { takeUpgrades, wantsWebSocket } from './streams/feed/upgrade.ts';

/** How often a draining process checks whether its last request is answered. */
const DRAIN_LOOK_MS = 20;

// `npm run api`: the HTTP side of Errand. It is stateless, and any number of processes can run. It starts in
// the order of X11, with one exception: it listens before the database is ready. Waiting for the database or
// for a migration may take long, and meanwhile requests get the answer that the API is starting.
await runMain(async () => {
  const { config, log, onSignal } = await prepare('api');
  const stopping = new AbortController();
  const authenticate = await startStep(log, 'authentication', () =>
    createAuthenticate(config, { log, stopping: stopping.signal }),
  );
  if (authenticate === null && config.NODE_ENV === 'production')
    log.warn('AUTH_ENABLED=false in production: anybody who can reach this process may do everything');
  const project = await startStep(log, 'definitions', () => loadProject(config));
  const { registry } = project;
  warnOfDefinitions(log, registry.definitions);
  const { pool, readPool } = open(config, log);
  const checkDatabase = databaseCheck(pool);
  let backpressure = UNLIMITED;
  const state = createState();
  const { app, warmUp, waiting, inFlight } = createApp({
    config,
    registry,
    pool,
    readPool,
    log,
    state,
    authenticate,
    backpressure: { admit: (namespace) => backpressure.admit(namespace), close: () => backpressure.close() },
    stopping: stopping.signal,
    validateResponses: config.NODE_ENV === 'test',
    probeSource: {
      process: 'api',
      isDraining: () => state.current() === 'draining',
      checks: async () => [await checkDatabase(), stateCheck(state)],
    },
  });
  const startServer = () => startStep(log, 'http', () => serve(config, app, log));
  // In standby, another process answers on this port until this one is complete.
  const early = isStandby() ? null : await startServer();
  await startStep(log, 'database', () => awaitDatabase(config, log, pool));
  await startStep(log, 'migrations', () => migrateDatabase(config, log, pool));
  await untilOrdered('commit', 'prepared');
  // Built-in tasks are registered too: the API submits them, maybe before any runner has started.
  const submitted = [...registry.definitions, ...ownDefinitions];
  await startStep(log, 'registration', () => registerDefinitions(pool, submitted));
  backpressure = limitDepths(config, registry, readPool, log);
  await startStep(log, 'validators', warmUp);
  state.started();
  const server = early ?? (await startServer());
  log[lifecycleLevel()]({ port: portOf(server), tasks: registry.definitions.length }, 'api is ready');
  process.on('SIGUSR2', () => toggleEmergency(state, log));
  const pools = [pool, readPool];
  onSignal(
    howToStop({ config, state, server, inFlight, stopping, pools, close: () => backpressure.close() }),
  );
  // The start does not wait for this. The result is logged, and GET /v1/handlers shows it.
  void waiting.report();
  announce(server, tasksToTry(project));
});

function tasksToTry(project: Project): { name: string; example: unknown; isOwn: boolean }[] {
  return project.registry.definitions.map(({ name, example }) => ({
    name,
    example,
    isOwn: project.own.has(name),
  }));
}

/** What ends with an API process. */
type Parts = {
  config: Config;
  state: StateHolder;
  server: Server;
  inFlight: InFlight;
  stopping: AbortController;
  pools: Pool[];
  close: () => void;
};

function howToStop({ config, state, server, inFlight, stopping, pools, close }: Parts): HowToStop {
  const drainMs = drainTimes(config);
  let isRetired = false;
  onOrder('retire', () => {
    isRetired = true;
    process.kill(process.pid, 'SIGTERM');
  });
  return {
    timeoutMs: drainMs.max + 5_000,
    stop: async () => {
      // Callers of a retired process do not notice: it refuses nothing, and its successor takes what is new.
      if (isRetired) await handOver(server);
      else state.drain();
      stopping.abort();
      close();
      await closeServer(server, await answered(inFlight, drainMs));
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}

function toggleEmergency(state: StateHolder, log: Logger): void {
  log.warn({ state: state.toggleEmergency() }, 'SIGUSR2: switched the emergency state on or off');
}

/** How long the API continues after SIGTERM, in milliseconds. */
type DrainMs = { min: number; max: number };

function drainTimes({ DRAIN_DELAY_SECS, SHUTDOWN_TIMEOUT_SECS }: Config): DrainMs {
  return { min: DRAIN_DELAY_SECS * 1_000, max: (DRAIN_DELAY_SECS + SHUTDOWN_TIMEOUT_SECS) * 1_000 };
}

/**
 * Resolves when the last request is answered and the last stream has ended, within these times. Until then
 * the server accepts connections: a load balancer gets 503 from /ready and sends its requests elsewhere, and
 * the probes and metrics show the draining process. Gives how many milliseconds of the time are left.
 */
async function answered(inFlight: InFlight, { min, max }: DrainMs): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const passedMs = performance.now() - startedAt;
    const isIdle = inFlight.requests() + inFlight.streams() === 0;
    if (passedMs >= max || (passedMs >= min && isIdle)) return Math.max(0, max - passedMs);
    await pause(DRAIN_LOOK_MS);
  }
}

/** Two pools, so that slow reads cannot delay submissions (specification A13). */
function open(config: Config, log: Logger): { pool: Pool; readPool: Pool } {
  const statementTimeoutMs = config.REQUEST_TIMEOUT_SECS * 1_000;
  return {
    pool: openDatabase(config, log, { applicationName: 'errand api', statementTimeoutMs }),
    readPool: openDatabase(config, log, {
      applicationName: 'errand api reads',
      size: config.DATABASE_READ_POOL_SIZE,
      statementTimeoutMs,
    }),
  };
}

function limitDepths(config: Config, registry: Registry, database: Pool, log: Logger): Backpressure {
  const limit = config.MAX_QUEUE_DEPTH;
  const names = taskNames(registry.definitions);
  return limit === undefined ? UNLIMITED : limitDepth({ database, names, limit, log });
}

async function serve(config: Config, app: RequestListener, log: Logger): Promise<Server> {
  const { host, why } = apiListening(config);
  const server = await listen(app, {
    host,
    port: config.SERVER_PORT,
    variable: 'SERVER_PORT',
    onMalformed: answerMalformed,
    requestTimeoutMs: config.REQUEST_TIMEOUT_SECS * 1_000,
    shouldUpgrade: wantsWebSocket,
  });
  takeUpgrades(server, app);
  log[lifecycleLevel()]({ host, port: portOf(server) }, `listening on ${host}: ${why}`);
  return server;
}
