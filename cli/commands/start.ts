import { Command } from 'commander';
import { withExamples } from '../remote.ts';

/** `errand start`. Starts everything in child processes. The configuration is in the environment and in `.env`. */
export function startCommand(): Command {
  const command = new Command('start')
    .summary('Start everything: Postgres, API and a runner')
    .description(
      'Start everything: Postgres unless one is configured, API, one runner. Environment variables and .env configure it',
    );
  return withExamples(command, [['errand start', 'what `npm start` does']]).action(async () => {
    await import('../../embedded/start.ts');
  });
}
