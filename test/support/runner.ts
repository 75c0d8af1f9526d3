import type { Pool } from 'pg';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Handler, TaskDefinition } from '../../core/task.ts';
import { REDACTED } from '../../process/logger.ts';
import type { DeliverOptions } from '../../runner/deliver.ts';
import { createEvents, type RunnerEvents } from '../../runner/events.ts';
import { loadExecutables } from '../../runner/executables.ts';
import type { Executable } from '../../runner/execute.ts';
import { ownExecutables } from '../../runner/own_tasks.ts';
import { type Runner, startRunner } from '../../runner/runner.ts';
import { createTaskLog } from '../../runner/task_log.ts';
import { definitions } from '../../tasks/index.ts';

export type TestRunnerOptions = {
  concurrency?: number;
  shutdownTimeoutSecs?: number;
  abortGraceSecs?: number;
  /** Instead of the shipped tasks. */
  executables?: Map<string, Executable>;
  leaseSecs?: number;
  retentionHours?: number;
  events?: RunnerEvents;
  callbacks?: DeliverOptions;
};

/** No secret, and no target but public ones. */
export const NO_CALLBACKS: DeliverOptions = { allowPrivate: false, secrets: [] };

/** A runner in this process on a database; stopped when the test is done, if it has not been by then. */
export async function startTestRunner(pool: Pool, options: TestRunnerOptions = {}): Promise<Runner> {
  const runner = await startFileRunner(pool, options);
  onTestFinished(() => runner.stop());
  return runner;
}

/** The same for all tests of a file, which stops it. It stops once, however often it is asked to. */
export async function startFileRunner(pool: Pool, options: TestRunnerOptions = {}): Promise<Runner> {
  const base = { process: 'test', pid: process.pid };
  const log = pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent', base, redact: REDACTED });
  const runner = await startRunner({
    config: {
      RUNNER_CONCURRENCY: options.concurrency ?? 10,
      RUNNER_LEASE_SECS: options.leaseSecs ?? 15,
      SHUTDOWN_TIMEOUT_SECS: options.shutdownTimeoutSecs ?? 10,
      ABORT_GRACE_SECS: options.abortGraceSecs ?? 1,
      RETENTION_HOURS: options.retentionHours ?? 24,
      AUDIT_RETENTION_DAYS: 365,
    },
    pgPool: pool,
    connection: pool.options,
    log,
    taskLog: createTaskLog(log, { write: () => {} }),
    events: options.events ?? createEvents(log),
    version: 'test',
    executables:
      options.executables ??
      new Map([
        ...(await loadExecutables(pool, definitions)),
        ...ownExecutables(pool, options.callbacks ?? NO_CALLBACKS),
      ]),
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= runner.stop();
    return stopped;
  };
  return { ...runner, stop };
}

/** An executable for a definition made in a test. */
export function executable<D extends TaskDefinition>(
  definition: D,
  handler: Handler<D>,
): [string, Executable] {
  return [definition.name, { definition, handler: handler as Handler }];
}
