import { Command } from 'commander';
import { withExamples } from '../remote.ts';

/** `errand runner`. Starts a runner in this process. The configuration is in the environment and in `.env`. */
export function runnerCommand(): Command {
  const command = new Command('runner')
    .summary('Start a runner')
    .description('Start a runner: it executes tasks. Environment variables and .env configure it');
  return withExamples(command, [
    ['errand runner', 'one runner; start as many as you want'],
    ['RUNNER_CONCURRENCY=50 errand runner', 'with 50 slots'],
  ]).action(async () => {
    await import('../../runner/main.ts');
  });
}
