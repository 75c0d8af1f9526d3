import { Command } from 'commander';
import { withExamples } from '../remote.ts';

/** `errand api`. Starts the API in this process. The configuration is in the environment and in `.env`. */
export function apiCommand(): Command {
  const command = new Command('api')
    .summary('Start the API')
    .description(
      'Start the API: HTTP for clients, streams, metrics. Environment variables and .env configure it',
    );
  return withExamples(command, [
    ['errand api', 'the API on SERVER_PORT, with the database of DATABASE_URL'],
  ]).action(async () => {
    await import('../../api/main.ts');
  });
}
