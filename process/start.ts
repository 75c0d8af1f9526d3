import type { Logger } from 'pino';
import type { TaskDefinition } from '../core/task.ts';
import { isStandby, lifecycleLevel, untilOrdered } from './standby.ts';

/** Runs one named step of a start and logs its end. An error names the step (specification X11). */
export async function startStep<T>(log: Logger, name: string, work: () => Promise<T> | T): Promise<T> {
  const startedAt = performance.now();
  try {
    const value = await work();
    const durationMs = Math.round(performance.now() - startedAt);
    log[lifecycleLevel()]({ step: name, duration_ms: durationMs }, `start: ${name}`);
    return value;
  } catch (error) {
    throw new Error(`The start failed at the step ${name}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Runs the main function of a process. If it throws, writes the reason to stderr and exits with 1. A process in
 * standby waits before, and gives the reason to its parent.
 */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await untilOrdered('load', 'preloaded');
    await main();
  } catch (error) {
    if (isStandby()) {
      process.send?.({ failed: messageOf(error) }, () => process.exit(1));
      return;
    }
    // Not through the logger, which may have failed itself.
    process.stderr.write(`${messageOf(error)}\n`);
    if (process.env.LOG_LEVEL === 'debug')
      process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`);
    process.exit(1);
  }
}

/**
 * The text of a thrown value. An AggregateError, for example of several refused addresses, has no message, so
 * those of its errors are joined.
 */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/**
 * Logs problems in the definitions of a process and their steps that should be corrected; each problem once.
 */
export function warnOfDefinitions(log: Logger, definitions: readonly TaskDefinition[]): void {
  for (const { name, file, warnings, graph } of definitions) {
    const ofSteps = (graph?.steps ?? []).flatMap((step) => step.definition.warnings);
    for (const warning of new Set([...warnings, ...ofSteps]))
      log.warn({ task_name: name, file }, `a definition should be corrected: ${warning}`);
  }
}
