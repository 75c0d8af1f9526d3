import { Command, InvalidArgumentError } from 'commander';
import { exitWith } from '../project_command.ts';
import { withExamples } from '../remote.ts';

/** `errand dev`. Runs everything for this project and applies what is saved. */
export function devCommand(): Command {
  const command = new Command('dev')
    .summary('Run this project, and apply what you save')
    .description(
      'Run this project: Postgres unless one is configured, API, one runner. It applies what you save within a second; running tasks end in the old runner. Type errors are shown beside the log',
    )
    .option('--port <number>', 'the port of the API (default: SERVER_PORT, or 8080)', toPort)
    .option('--no-types', 'do not watch the types');
  return withExamples(command, [
    ['errand dev', 'everything on this machine, with an embedded Postgres'],
    ['DATABASE_URL=postgres://localhost/mine errand dev --port 9000', 'with a Postgres of yours'],
  ]).action(async (options: { port?: number; types: boolean }) => {
    const { runDev } = await import('../../dev/main.ts');
    await exitWith(runDev(options));
    process.exit();
  });
}

function toPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('It must be a number from 1 to 65535.');
  return port;
}
