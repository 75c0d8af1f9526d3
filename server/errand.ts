import type { Server, ServerResponse } from 'node:http';
import type { Pool } from 'pg';
import { type StartingApi, startApi } from '../api/start_api.ts';
import { shareUpgrades } from '../api/streams/feed/upgrade.ts';
import { closePool, migrateDatabase } from '../process/database.ts';
import type { ProcessLogger } from '../process/logger.ts';
import { startStep } from '../process/start.ts';
import type { Project } from '../project/project.ts';
import { connectRunner, type StartingRunner, startRunner } from '../runner/start_runner.ts';
import type { Config } from '../config/schema.ts';
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

/**
 * Makes an Errand that starts with `start()`. Several can be in one process, with a schema or a database each.
 * It handles no signals, ends no process, and reads no variable of the environment unless `env` has it. Throws
 * if an option is wrong, and names it.
 */
export function createErrand(options: ErrandOptions): Errand {
  const config = configOf(options);
  let routed: Router | null = null;
  let api: StartingApi | null = null;
  let runner: { starting: StartingRunner | null; pgPool: Pool } | null = null;
  let starting: Promise<void> | null = null;
  let stopping: Promise<void> | null = null;

  async function bringUp(): Promise<void> {
    const parts: Parts = {
      ...{ config, project: await projectOf(options, config) },
      ...(await logOf(options.log, config)),
    };
    if (options.api !== false) await bringUpApi(parts);
    if (options.runner !== false) await bringUpRunner(parts);
  }

  async function bringUpApi({ project, log }: Parts): Promise<void> {
    api = await startApi({ config, registry: project.registry, log });
    routed = mount(api.app as Router);
    await api.bringUp();
    void api.reportWaiting();
  }

  async function bringUpRunner({ project, log, destination }: Parts): Promise<void> {
    const pgPool = await startStep(log, 'database', () => connectRunner(config, log));
    runner = { starting: null, pgPool };
    if (api === null) await startStep(log, 'migrations', () => migrateDatabase(config, log, pgPool));
    const started = await startRunner({ config, log, destination, pgPool, project, mayEndProcess: false });
    runner.starting = started;
    await started.started;
  }

  /** Ends what has started, the API and the runner beside each other. Throws the first error at the end. */
  async function end(): Promise<void> {
    const ended = await Promise.allSettled([endApi(), endRunner()]);
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async function endApi(): Promise<void> {
    await api?.drain();
    await api?.close();
  }

  async function endRunner(): Promise<void> {
    if (runner === null) return;
    try {
      await runner.starting?.stop();
    } finally {
      await closePool(runner.pgPool);
    }
  }

  async function startAll(): Promise<void> {
    try {
      await bringUp();
    } catch (error) {
      await end().catch(() => {});
      throw error;
    }
  }

  return {
    router(request, response, next) {
      if (options.api === false) return next === undefined ? refuse(response, 404) : next();
      return routed === null ? refuse(response, 503) : routed(request, response, next);
    },
    start() {
      if (stopping !== null) return Promise.reject(new Error('This Errand was stopped: create another one'));
      starting ??= startAll();
      return starting;
    },
    stop() {
      stopping ??= (starting ?? Promise.resolve()).then(end, () => {});
      return stopping;
    },
    attach(server, path = '') {
      shareUpgrades(server, `${path.replace(/\/+$/, '')}/ws`);
    },
  };
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
