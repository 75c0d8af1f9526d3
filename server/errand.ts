import type { Server, ServerResponse } from 'node:http';
import type { Pool } from 'pg';
import { type StartingApi, startApi } from '../api/start_api.ts';
import { shareUpgrades } from '../api/streams/feed/upgrade.ts';
import type { Config } from '../config/schema.ts';
import { closePool, migrateDatabase } from '../process/database.ts';
import type { ProcessLogger } from '../process/logger.ts';
import { startStep } from '../process/start.ts';
import type { Project } from '../project/project.ts';
import { connectRunner, type StartingRunner, startRunner } from '../runner/start_runner.ts';
import { logOf } from './host_log.ts';
import { mount, type Router } from './mount.ts';
import type { ErrandOptions } from './options.ts';
import { configOf, projectOf } from './settings.ts';

/** Errand inside the process of another application. */
export type Errand = {
  /**
   * The API as middleware: `app.use('/errand', errand.router)`. It works below any path. Until `start` has
   * ended, and after `stop`, requests get 503.
   */
  readonly router: Router;
  /**
   * Connects to Postgres, migrates it, and starts the API and the runner. Rejects, with nothing left running,
   * if one of them cannot start: the message names the step and what to do.
   */
  start(): Promise<void>;
  /**
   * Refuses new requests, answers those in flight, lets running attempts finish within SHUTDOWN_TIMEOUT_SECS,
   * hands over all others, and closes its connections. Call it before the server is closed.
   */
  stop(): Promise<void>;
  /**
   * Takes requests for WebSockets at `<path>/ws` of this server, and passes them through its application like
   * all others. `path` is that below which the router is mounted. Other upgrades stay with the application.
   */
  attach(server: Server, path?: string): void;
};

type Parts = { project: Project; config: Config } & ProcessLogger;

/** What has started so far. */
type Started = {
  api: StartingApi | null;
  router: Router | null;
  runner: { starting: StartingRunner | null; pgPool: Pool } | null;
};

/**
 * Makes an Errand that starts with `start()`. Several can be in one process, with a schema or a database each.
 * It handles no signals, ends no process, and reads no variable of the environment unless `env` has it. Throws
 * if an option is wrong, and names it.
 */
export function createErrand(options: ErrandOptions): Errand {
  const config = configOf(options);
  const started: Started = { api: null, router: null, runner: null };
  let starting: Promise<void> | null = null;
  let stopping: Promise<void> | null = null;
  return {
    router(request, response, next) {
      if (options.api === false) return next === undefined ? refuse(response, 404) : next();
      const { router } = started;
      return router === null ? refuse(response, 503) : router(request, response, next);
    },
    start() {
      if (stopping !== null) return Promise.reject(new Error('This Errand was stopped: create another one'));
      starting ??= startAll(started, options, config);
      return starting;
    },
    stop() {
      stopping ??= (starting ?? Promise.resolve()).then(
        () => end(started),
        () => {},
      );
      return stopping;
    },
    attach(server, path = '') {
      shareUpgrades(server, `${path.replace(/\/+$/, '')}/ws`);
    },
  };
}

async function startAll(started: Started, options: ErrandOptions, config: Config): Promise<void> {
  try {
    const parts: Parts = {
      ...{ config, project: await projectOf(options, config) },
      ...(await logOf(options.log, config)),
    };
    if (options.api !== false) await bringUpApi(started, parts);
    if (options.runner !== false) await bringUpRunner(started, parts);
  } catch (error) {
    await end(started).catch(() => {});
    throw error;
  }
}

async function bringUpApi(started: Started, { config, project, log }: Parts): Promise<void> {
  const api = await startApi({ config, registry: project.registry, ownership: project.ownership, log });
  started.api = api;
  started.router = mount(api.app as Router);
  await api.bringUp();
  void api.reportWaiting();
}

async function bringUpRunner(started: Started, parts: Parts): Promise<void> {
  const { config, log } = parts;
  const pgPool = await startStep(log, 'database', () => connectRunner(config, log));
  const runner: NonNullable<Started['runner']> = { starting: null, pgPool };
  started.runner = runner;
  if (started.api === null) await startStep(log, 'migrations', () => migrateDatabase(config, log, pgPool));
  runner.starting = await startRunner({ ...parts, pgPool, mayEndProcess: false });
  await runner.starting.started;
}

/** Ends what has started, the API and the runner beside each other. Throws the first error at the end. */
async function end({ api, runner }: Started): Promise<void> {
  const ended = await Promise.allSettled([endApi(api), endRunner(runner)]);
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function endApi(api: Started['api']): Promise<void> {
  await api?.drain();
  await api?.close();
}

async function endRunner(runner: Started['runner']): Promise<void> {
  if (runner === null) return;
  try {
    await runner.starting?.stop();
  } finally {
    await closePool(runner.pgPool);
  }
}

/** Before there is an application that could answer. */
function refuse(response: ServerResponse, status: 404 | 503): void {
  const body =
    status === 503
      ? { error: 'Errand has not started: try again later', code: 'SERVICE_UNAVAILABLE' }
      : { error: 'This process has no API of Errand', code: 'NOT_FOUND' };
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    ...(status === 503 ? { 'Retry-After': '1' } : {}),
  });
  response.end(JSON.stringify(body));
}
