import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { duration } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { window: number; name?: string; namespace?: string };

/** `errand stats`: shows what is open, and how the finished tasks of a window did. */
export function statsCommand(): Command {
  const command = remoteCommand(
    'stats',
    'Show what is open, and how the tasks did that finished in a window',
    'the answer as one JSON document',
  )
    .option('--window <time>', 'the length of the window, up to 7d', duration, 3_600)
    .option('--name <name>', 'tasks of this name')
    .option('--namespace <namespace>', 'tasks of this namespace');
  // Commander would show the seconds.
  const window = command.options.find(({ long }) => long === '--window');
  if (window !== undefined) window.defaultValueDescription = '1h';
  return withExamples(command, [
    ['errand stats', 'the last hour, by name'],
    ['errand stats --window 7d --namespace billing', 'a week of one namespace'],
  ]).action(withSession(run));
}

async function run(session: Session, { window, name, namespace }: Options): Promise<void> {
  const query = { window_minutes: Math.max(1, Math.round(window / 60)), name, namespace };
  const answer = await session.client.request('GET', '/v1/tasks/stats', { query });
  if (session.isJson) return session.json(answer);
  const [{ statsSchema }, { printStats }] = await Promise.all([
    import('../../answers.ts'),
    import('../../output/stats.ts'),
  ]);
  printStats(session, statsSchema.parse(answer));
}
