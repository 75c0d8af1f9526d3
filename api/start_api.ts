import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { Ownership } from '../core/registration/owner.ts';
import type { Registry } from '../core/registry.ts';
import {
  awaitDatabase,
  closePool,
  databaseCheck,
  migrateDatabase,
  openDatabase,
} from '../process/database.ts';
import { untilOrdered } from '../process/standby.ts';
import { startStep } from '../process/start.ts';
import { registerDefinitions } from '../store/submit/definitions.ts';
import { ownDefinitions } from '../tasks/index.ts';
import { type App, createApp } from './app.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { type Backpressure, limitDepth, UNLIMITED } from './capacity/backpressure.ts';
import type { InFlight } from './capacity/in_flight.ts';
import { createState, type OperationalState, stateCheck } from './capacity/state.ts';
import { type QueueNames, queueNames } from './registered/queue_names.ts';

/** How often a draining API checks whether its last request is answered. */
const DRAIN_LOOK_MS = 20;

/** An API with its database, apart from the server that it answers on. */
export type StartingApi = {
  app: App['app'];
  /** Waits for Postgres, migrates it and makes the API `normal`. Throws an Error that names the failed step. */
  bringUp(): Promise<void>;
  /** Logs the waiting tasks that do not fit their definitions. Never throws. */
  reportWaiting(): Promise<void>;
  /** `normal` ⇄ `emergency`. Gives the new state. */
  toggleEmergency(): OperationalState;
  /**
   * Refuses new requests, and resolves when the last request is answered and the last stream has ended, within
   * the times of `drainTimes`. Gives how many milliseconds of the time are left. `isRetired`: its server has
   * handed over to another one, so requests that still come are answered.
   */
  drain(isRetired?: boolean): Promise<number>;
  /** Closes its connections to Postgres. Call it after `drain`, or after a start that failed. */
  close(): Promise<void>;
};

/**
 * Makes an API: the application answers at once, that it is starting, until `bringUp` has ended. Throws, with
 * nothing left open, if authentication is on but cannot work.
 */
export async function startApi(options: {
  config: Config;
  registry: Registry;
  ownership: Ownership;
  log: Logger;
}): Promise<StartingApi> {
  const { config, registry, ownership, log } = options;
  const stopping = new AbortController();
  const authenticate = await startStep(log, 'authentication', () =>
    createAuthenticate(config, { log, stopping: stopping.signal }),
  );
  if (authenticate === null && config.NODE_ENV === 'production')
    log.warn('AUTH_ENABLED=false in production: anybody who can reach this process may do everything');
  const { pool, readPool } = open(config, log);
  const checkDatabase = databaseCheck(pool);
  let backpressure = UNLIMITED;
  const state = createState();
  const { app, warmUp, waiting, inFlight } = createApp({
    project: ownership.project,
    ...{ config, registry, pool, readPool, log, state, authenticate },
    backpressure: { admit: (namespace) => backpressure.admit(namespace), close: () => backpressure.close() },
    stopping: stopping.signal,
    validateResponses: config.NODE_ENV === 'test',
    probeSource: {
      process: 'api',
      isDraining: () => state.current() === 'draining',
      checks: async () => [await checkDatabase(), stateCheck(state)],
    },
  });
  return {
    app,
    async bringUp() {
      await startStep(log, 'database', () => awaitDatabase(config, log, pool));
      await startStep(log, 'migrations', () => migrateDatabase(config, log, pool));
      await untilOrdered('commit', 'prepared');
      // Built-in tasks are registered too: the API submits them, maybe before any runner has started.
      const submitted = [...registry.definitions, ...ownDefinitions];
      await startStep(log, 'registration', () => registerDefinitions(pool, submitted, ownership));
      backpressure = limitDepths(config, queueNames(registry, ownership.project), readPool, log);
      await startStep(log, 'validators', warmUp);
      state.started();
    },
    reportWaiting: waiting.report,
    toggleEmergency: state.toggleEmergency,
    async drain(isRetired = false) {
      // Callers of a retired API do not notice: it refuses nothing, and its successor takes what is new.
      if (!isRetired) state.drain();
      const [event_streams, websockets] = [inFlight.streams('event_stream'), inFlight.streams('websocket')];
      log.info({ event_streams, websockets }, 'the open streams are asked to connect again');
      stopping.abort();
      backpressure.close();
      return await answered(inFlight, drainTimes(config));
    },
    async close() {
      stopping.abort();
      backpressure.close();
      await Promise.all([closePool(pool), closePool(readPool)]);
    },
  };
}

/** How long an API continues after it was asked to stop, in milliseconds. */
export function drainTimes({ DRAIN_DELAY_SECS, SHUTDOWN_TIMEOUT_SECS }: Config): {
  min: number;
  max: number;
} {
  return { min: DRAIN_DELAY_SECS * 1_000, max: (DRAIN_DELAY_SECS + SHUTDOWN_TIMEOUT_SECS) * 1_000 };
}

/**
 * Until the last request is answered, the server accepts connections: a load balancer gets 503 from /ready and
 * sends its requests elsewhere, and the probes and metrics show the draining process.
 */
async function answered(inFlight: InFlight, { min, max }: ReturnType<typeof drainTimes>): Promise<number> {
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

function limitDepths(config: Config, names: QueueNames, database: Pool, log: Logger): Backpressure {
  const limit = config.MAX_QUEUE_DEPTH;
  return limit === undefined ? UNLIMITED : limitDepth({ database, names, limit, log });
}
