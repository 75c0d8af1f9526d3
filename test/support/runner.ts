import type { Pool } from 'pg';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Handler, TaskDefinition } from '../../core/task.ts';
import { REDACTED } from '../../process/logger.ts';
import { shownError } from '../../process/shown_error.ts';
import type { DeliverOptions } from '../../runner/builtin/deliver.ts';
import { builtinHandlers, loadHandlers } from '../../runner/builtin/registered_handlers.ts';
import type { RegisteredHandler } from '../../runner/execute/execute.ts';
import { createTaskLog } from '../../runner/execute/task_log.ts';
import { createEvents, type RunnerEvents } from '../../runner/record/events.ts';
import { type Runner, type RunnerOptions, startRunner } from '../../runner/runner.ts';
import { loadHandler } from '../../tasks/handlers.ts';
import { definitions } from '../../tasks/index.ts';

export type TestRunnerOptions = {
  concurrency?: number;
  shutdownTimeoutSecs?: number;
  abortGraceSecs?: number;
  /** Replaces the shipped tasks. */
  registeredHandlers?: Map<string, RegisteredHandler>;
  leaseSecs?: number;
  retentionHours?: number;
  events?: RunnerEvents;
  callbacks?: DeliverOptions;
} & Pick<RunnerOptions, 'schedules' | 'ownership'>;

/** No secrets, and only public targets. */
export const NO_CALLBACKS: DeliverOptions = { allowPrivate: false, secrets: [] };

/**
 * Starts a runner in this process on a database. Stopped at the end of the test if it still runs.
 */
export async function startTestRunner(pool: Pool, options: TestRunnerOptions = {}): Promise<Runner> {
  const runner = await startFileRunner(pool, options);
  onTestFinished(() => runner.stop());
  return runner;
}

/** The same for all tests of a file, which must stop it. Repeated stops are the same as one. */
export async function startFileRunner(pool: Pool, options: TestRunnerOptions = {}): Promise<Runner> {
  const base = { process: 'test', pid: process.pid };
  const level = process.env.TEST_LOG_LEVEL ?? 'silent';
  const log = pino({ level, base, redact: REDACTED, serializers: { err: shownError } });
  const runner = await startRunner({
    config: {
      RUNNER_CONCURRENCY: options.concurrency ?? 10,
      RUNNER_LEASE_SECS: options.leaseSecs ?? 15,
      SHUTDOWN_TIMEOUT_SECS: options.shutdownTimeoutSecs ?? 10,
      ABORT_GRACE_SECS: options.abortGraceSecs ?? 1,
      RETENTION_HOURS: options.retentionHours ?? 24,
      FAILED_RETENTION_HOURS: options.retentionHours ?? 336,
      AUDIT_RETENTION_DAYS: 365,
      SCHEDULE_HISTORY_DAYS: 90,
    },
    pgPool: pool,
    connection: pool.options,
    log,
    taskLog: createTaskLog(log, { write: () => {} }),
    events: options.events ?? createEvents(log),
    version: 'test',
    ...(options.schedules === undefined ? {} : { schedules: options.schedules }),
    ...(options.ownership === undefined ? {} : { ownership: options.ownership }),
    registeredHandlers:
      options.registeredHandlers ??
      new Map([
        ...(await loadHandlers(pool, definitions, ({ name }) => loadHandler(name))),
        ...builtinHandlers(pool, options.callbacks ?? NO_CALLBACKS),
      ]),
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= runner.stop();
    return stopped;
  };
  return { ...runner, stop };
}

/** A registered handler for a definition made in a test. */
export function registeredHandler<D extends TaskDefinition>(
  definition: D,
  handler: Handler<D>,
): [string, RegisteredHandler] {
  return [definition.name, { definition, handler: handler as Handler }];
}
