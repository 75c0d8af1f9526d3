import { CommandError } from './exit_codes.ts';

/** Errors whose message says what was wrong and what to do. */
const EXPLAINED = new Set(['Error', 'ConfigError', 'ProjectError']);

/** Sets the exit code to the one that a command gives. A failure that explains itself is shown without a hint. */
export async function exitWith(work: Promise<number>): Promise<void> {
  try {
    process.exitCode = await work;
  } catch (error) {
    if (error instanceof Error && EXPLAINED.has(error.name)) throw new CommandError(error.message);
    throw error;
  }
}
