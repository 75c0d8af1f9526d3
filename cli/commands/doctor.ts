import { styleText } from 'node:util';
import { Command } from 'commander';
import type { Finding } from '../../doctor/finding.ts';

type Options = { json?: true; strict?: true; all?: true };

const HELP = `
Exit codes: 0 if nothing is wrong, 1 if there is an error (with --strict: or a warning).

Examples:
  errand doctor                  errors and warnings, with what to do about each
  errand doctor --all            also what is as it should be
  errand doctor --strict         for a pipeline: warnings fail it too
  errand doctor --json           for programs: all findings with their codes`;

/** `errand doctor`: what is wrong with this installation, and what to do about it. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look for what is wrong: configuration, server, schema, runners, queue. Changes nothing')
    .option('--all', 'show also what is as it should be')
    .option('--strict', 'exit with 1 if there is a warning')
    .option('--json', 'print all findings as JSON')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const { examine } = await import('../../doctor/examine.ts');
      const { exitCodeOf } = await import('../../doctor/finding.ts');
      const findings = await examine();
      process.stdout.write(
        options.json ? `${JSON.stringify({ findings }, null, 2)}\n` : await written(findings, options),
      );
      process.exitCode = exitCodeOf(findings, options.strict === true);
    });
}

async function written(findings: readonly Finding[], options: Options): Promise<string> {
  const { renderFindings } = await import('../output/findings.ts');
  return renderFindings(findings, {
    all: options.all === true,
    colours: hasColours(),
    width: process.stdout.columns,
  });
}

/** Whether Node colours what goes to this terminal: it knows of pipes, NO_COLOR and FORCE_COLOR. */
function hasColours(): boolean {
  return styleText('red', 'text') !== 'text';
}
