import type { Command } from 'commander';
import type { ErrorGroup } from '../../answers.ts';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { name?: string; namespace?: string };

/** `errand errors`: lists the errors of failed tasks in groups. */
export function errorsCommand(): Command {
  const command = remoteCommand(
    'errors',
    'List the errors of failed tasks in groups',
    'the answer as one JSON document',
  )
    .option('--name <name>', 'errors of tasks of this name')
    .option('--namespace <namespace>', 'errors of tasks of this namespace');
  return withExamples(command, [
    ['errand errors', 'see what fails, the last seen first'],
    [
      'errand errors --namespace billing --json | jq -r ".groups[].error_group"',
      'the groups, for errand retry',
    ],
  ]).action(withSession(run));
}

async function run(session: Session, { name, namespace }: Options): Promise<void> {
  const answer = await session.client.request('GET', '/v1/errors', { query: { name, namespace } });
  if (session.isJson) return session.json(answer);
  const [{ errorsSchema }, { ageOf, toCount }] = await Promise.all([
    import('../../answers.ts'),
    import('../../output/words.ts'),
  ]);
  const { groups, is_truncated } = errorsSchema.parse(answer);
  if (groups.length === 0) return session.note('No task is in the state failed.');
  session.table(
    [
      {
        head: 'TASKS',
        cell: ({ count, count_is_capped }: ErrorGroup) => `${toCount(count)}${count_is_capped ? '+' : ''}`,
        align: 'right',
      },
      { head: 'LAST', cell: ({ last_seen }) => ageOf(last_seen), align: 'right' },
      { head: 'FIRST', cell: ({ first_seen }) => ageOf(first_seen), align: 'right', dropOrder: 1 },
      { head: 'NAME', cell: (group) => group.name, min: 12, dropOrder: 2 },
      { head: 'ERROR', cell: ({ error_type, message }) => `${error_type}: ${message}`, min: 16 },
      { head: 'GROUP', cell: ({ error_group }) => error_group },
    ],
    groups,
  );
  session.note(
    `${is_truncated ? 'More groups exist: see --name. ' : ''}errand retry --error-group GROUP retries a group.`,
  );
}
