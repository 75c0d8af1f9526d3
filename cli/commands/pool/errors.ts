import type { Command } from 'commander';
import type { ErrorGroup } from '../../answers.ts';
import type { RemoteOptions } from '../../connection.ts';
import { UsageError } from '../../exit_codes.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & {
  name?: string;
  namespace?: string;
  status?: string;
  resolve?: string;
  ignore?: string;
  reopen?: string;
  reason?: string;
};

const DECISIONS = ['resolve', 'ignore', 'reopen'] as const;
const DONE = { resolve: 'resolved', ignore: 'ignored', reopen: 'open again' } as const;

/** `errand errors`: lists the errors of failed tasks in groups, or decides about one. */
export function errorsCommand(): Command {
  const command = remoteCommand(
    'errors',
    'List the errors of failed tasks in groups',
    'the answer as one JSON document',
  )
    .option('--name <name>', 'errors of tasks of this name')
    .option('--namespace <namespace>', 'errors of tasks of this namespace')
    .option('--status <status>', 'groups in this status: open, regressed, resolved or ignored')
    .option('--resolve <group>', 'resolve a group: it comes back if a task fails with it again')
    .option('--ignore <group>', 'ignore a group for good')
    .option('--reopen <group>', 'take such a decision back')
    .option('--reason <text>', 'with these: the reason, for the audit trail');
  return withExamples(command, [
    ['errand errors', 'see what fails, the last seen first'],
    [
      'errand errors --namespace billing --json | jq -r ".groups[].error_group"',
      'the groups, for errand retry',
    ],
    [
      'errand errors --resolve billing.send_invoice:4f1c --reason "fixed in 2.5.0"',
      'hide it until it is back',
    ],
  ]).action(withSession(run));
}

async function run(session: Session, options: Options): Promise<void> {
  const { name, namespace, status, reason } = options;
  const asked = DECISIONS.filter((decision) => options[decision] !== undefined);
  if (asked.length > 1) throw new UsageError(`Give one of ${asked.map((one) => `--${one}`).join(' and ')}`);
  const [decision] = asked;
  if (decision !== undefined) return await decide(session, decision, options[decision] ?? '', reason);
  if (reason !== undefined) throw new UsageError('--reason needs --resolve, --ignore or --reopen');
  const answer = await session.client.request('GET', '/v1/errors', { query: { name, namespace, status } });
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

/** Decides about one group. Its failed tasks stay as they are. */
async function decide(
  session: Session,
  decision: (typeof DECISIONS)[number],
  group: string,
  reason: string | undefined,
): Promise<void> {
  const changed = await session.client.decideErrors(group, decision, { reason });
  if (session.isJson) return session.json({ error_group: group, decision, changed });
  session.print(
    changed ? `The group is ${DONE[decision]}.` : `Nothing has changed: the group was ${DONE[decision]}.`,
  );
}
