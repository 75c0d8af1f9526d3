import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { ended?: boolean };

/** `errand runners`: lists the runners of the pool. */
export function runnersCommand(): Command {
  const command = remoteCommand(
    'runners',
    'List the runners of the pool',
    'the answer as one JSON document',
  ).option('--ended', 'also those that have left the pool');
  return withExamples(command, [
    ['errand runners', 'see who executes tasks, and how busy they are'],
    ['errand runners --ended', 'see which runners stopped or were lost'],
  ]).action(withSession(run));
}

async function run(session: Session, { ended }: Options): Promise<void> {
  const answer = await session.client.request('GET', '/v1/runners', { query: { ended } });
  if (session.isJson) return session.json(answer);
  const [{ runnersSchema }, { RUNNERS }] = await Promise.all([
    import('../../answers.ts'),
    import('../../output/runner_table.ts'),
  ]);
  const { runners } = runnersSchema.parse(answer);
  if (runners.length === 0) return session.note('No runner is live: `errand runner` starts one.');
  session.table(RUNNERS, runners);
}
