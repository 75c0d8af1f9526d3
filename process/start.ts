import type { Logger } from 'pino';
import type { TaskDefinition } from '../core/task.ts';

/** Runs one named step of a start and logs its end. An error names the step (specification X11). */
export async function startStep<T>(log: Logger, name: string, work: () => Promise<T> | T): Promise<T> {
  const startedAt = performance.now();
  try {
    const value = await work();
    log.info({ step: name, duration_ms: Math.round(performance.now() - startedAt) }, `start: ${name}`);
    return value;
  } catch (error) {
    throw new Error(`The start failed at the step ${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** Runs the main function of a process. If it throws, writes the reason to stderr and exits with 1. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
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
