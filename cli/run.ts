import { CommanderError } from 'commander';
import { EXIT } from './exit_codes.ts';
import { failureOf } from './failure.ts';
import { paintError } from './output/paint.ts';
import { makeProgram } from './program.ts';
import { ownVersion } from './version.ts';

/** Runs the command line, and sets the exit code of the process. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    const program = makeProgram(ownVersion());
    if (argv.length <= 2) {
      program.outputHelp();
      process.exitCode = EXIT.usage;
      return;
    }
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // Commander has printed its message. Help and version that were asked for are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const { code, lines } = failureOf(error);
  for (const [index, line] of lines.entries())
    process.stderr.write(`${index === 0 ? `${paintError('red', 'error:')} ` : ''}${line}\n`);
  return code;
}
