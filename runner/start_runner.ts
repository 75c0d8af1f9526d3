import type { Pool } from 'pg';
import type { DestinationStream, Logger } from 'pino';
import type { Registry as Metrics } from 'prom-client';
import type { Config } from '../config/schema.ts';
import type { TaskDefinition } from '../core/task.ts';
import { connectDatabase, connectionConfig } from '../process/database.ts';
import { untilOrdered } from '../process/standby.ts';
import { startStep, warnOfDefinitions } from '../process/start.ts';
import { VERSION } from '../process/version.ts';
import { watchWaiting } from '../process/waiting.ts';
import type { Project } from '../project/project.ts';
import { registerDefinitions } from '../store/submit/definitions.ts';
import { ownDefinitions } from '../tasks/index.ts';
import { allHandlers } from './builtin/registered_handlers.ts';
import { createTaskLog } from './execute/task_log.ts';
import { type Figures, keepFigures } from './health/figures.ts';
import { createMetrics } from './health/metrics.ts';
import { createEvents } from './record/events.ts';
import { judgeSchedules } from './schedules/judge.ts';
import { servedHandlers } from './served.ts';
import { type SupervisedRunner, superviseRunner } from './supervisor.ts';

/**
 * No statement of a runner should take this long. After this time it is cancelled and tried again.
 * A broken connection is noticed a second later.
 */
const STATEMENT_TIMEOUT_MS = 5_000;

/** A runner that is starting, apart from the process around it. */
export type StartingRunner = {
  /** Those that it executes, with the built-in ones and the steps of workflows. */
  definitions: readonly TaskDefinition[];
  figures: Figures;
  metrics: Metrics;
  /** Rejects if it could not be registered. */
  started: Promise<SupervisedRunner>;
  isDraining(): boolean;
  /** Drains the runner as soon as it has started (specification X6). The pool stays open. */
  stop(): Promise<void>;
};

export type RunnerParts = {
  config: Config;
  log: Logger;
  /** Where the lines of `log` go. */
  destination: DestinationStream;
  pgPool: Pool;
  project: Project;
  /** The script of a process that runs one suspect attempt; without it the attempt runs here. */
  aloneScript?: string;
  /** False: other code lives in this process, so it is not ended if a task blocks its event loop. */
  mayEndProcess: boolean;
  /** Drains and ends the process, because a handler with a limit does not return. */
  onDeaf?: () => void;
};

/** Waits for Postgres and opens the pool of a runner. Throws an Error with the address and a remedy. */
export function connectRunner(config: Config, log: Logger): Promise<Pool> {
  return connectDatabase(config, log, {
    applicationName: 'errand runner',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
}

/**
 * Loads and registers the definitions of a project with their handlers, and starts a runner that stays in the
 * pool until `stop`. The database must be migrated. Throws an Error that names the failed step.
 */
export async function startRunner(parts: RunnerParts): Promise<StartingRunner> {
  const { config, log, pgPool, project, destination, aloneScript, mayEndProcess } = parts;
  const serves = config.RUNNER_NAMESPACES;
  const registeredHandlers = await startStep(log, 'definitions', async () => {
    // A project whose code cannot be loaded registers nothing.
    const handlers = await allHandlers(config, pgPool, project);
    await untilOrdered('commit', 'prepared');
    const all = [...project.registry.definitions, ...ownDefinitions];
    await registerDefinitions(pgPool, all, project.ownership);
    await judgeSchedules({
      ...{ pool: pgPool, log, ownership: project.ownership },
      definitions: project.registry.definitions,
    });
    return servedHandlers(handlers, serves);
  });
  const definitions = Array.from(registeredHandlers.values(), ({ definition }) => definition);
  warnOfDefinitions(log, definitions);
  const events = createEvents(log);
  if (parts.onDeaf !== undefined) events.on('deaf', parts.onDeaf);
  const names = [...registeredHandlers.keys()];
  const figures = keepFigures(events, names);
  const metrics = createMetrics(events, names);
  const started = startStep(log, 'runner', () =>
    superviseRunner({
      ...{ config, pgPool, log, events, registeredHandlers, mayEndProcess, serves },
      ...{ ownership: project.ownership, schedules: project.schedules },
      connection: { ...connectionConfig(config), application_name: 'errand lease' },
      taskLog: createTaskLog(log, destination),
      version: VERSION,
      ...(aloneScript === undefined ? {} : { aloneScript }),
    }),
  );
  const stopping = new AbortController();
  // Nobody waits for it: the findings are logged.
  void started.then(
    () => watchWaiting({ database: pgPool, definitions, log, stopping: stopping.signal }).report(),
    () => {},
  );
  return {
    ...{ definitions, figures, metrics, started },
    isDraining: () => stopping.signal.aborted,
    async stop() {
      stopping.abort();
      await (await started).stop();
    },
  };
}
