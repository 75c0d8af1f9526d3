import { Command, InvalidArgumentError } from 'commander';

/** `errand dev`. Runs everything for this project and applies what is saved. */
export function devCommand(): Command {
  return new Command('dev')
    .summary('Run this project, and apply what you save')
    .description(
      'Run this project: Postgres unless one is configured, API, one runner. What you save is applied within a second; running tasks end in the old runner. Type errors are shown beside the log',
    )
    .option('--port <number>', 'the port of the API (default: SERVER_PORT, or 8080)', toPort)
    .option('--no-types', 'do not watch the types')
    .action(async (options: { port?: number; types: boolean }) => {
      const { runDev } = await import('../../dev/main.ts');
      process.exit(await runDev(options));
    });
}

function toPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('It must be a number from 1 to 65535.');
  return port;
}
