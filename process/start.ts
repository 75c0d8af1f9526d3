import type { Logger } from 'pino';

/**
 * Runs one named step of a start and logs that it is done. What it throws names the step (specification X11).
 */
export async function startStep<T>(log: Logger, name: string, work: () => Promise<T> | T): Promise<T> {
  const begun = performance.now();
  try {
    const value = await work();
    log.info({ step: name, duration_ms: Math.round(performance.now() - begun) }, `start: ${name}`);
    return value;
  } catch (error) {
    throw new Error(`Start failed at ${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** Runs the main function of a process; when it throws, says why and exits with 1. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    // The logger may be what failed, so this goes out by itself, and whole.
    process.stderr.write(`${messageOf(error)}\n`);
    if (process.env.LOG_LEVEL === 'debug')
      process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`);
    process.exit(1);
  }
}

/** The text of whatever was thrown. An AggregateError (several addresses refused, say) has none of its own. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
