import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { integer } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { key?: string; keys: number };

/** `errand limits show`: shows a limit with its keys and its tasks. */
export function showCommand(): Command {
  const command = remoteCommand(
    'show',
    'Show a limit: its value, its busiest keys, the tasks that hold it and those that wait',
    'the limit as one JSON document',
  )
    .argument('<limit>', 'the name of the limit')
    .option('--key <key>', 'only this key')
    .option('--keys <number>', 'at most this many keys', integer(1, 100), 20);
  return withExamples(command, [
    ['errand limits show billing.printer', 'everything about a limit'],
    ['errand limits show billing.export_invoices:key --key acme', 'one of its keys'],
  ]).action(withSession(run));
}

async function run(session: Session, name: string, { key, keys }: Options): Promise<void> {
  const { limitPath } = await import('../../limits/operate.ts');
  const answer = await session.client.request('GET', limitPath(name), { query: { key, key_count: keys } });
  if (session.isJson) return session.json(answer);
  const [{ recordSchema }, { printLimit }] = await Promise.all([
    import('../../limits/answers.ts'),
    import('../../output/limit.ts'),
  ]);
  printLimit(session, recordSchema.parse(answer));
}
