import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { reason: string };

/** `errand dismiss`: says that failed tasks need nobody any more. */
export function dismissCommand(): Command {
  const command = remoteCommand(
    'dismiss',
    'Dismiss failed tasks: they stay failed, but need nobody any more',
    'one JSON document with the `tasks`',
  )
    .argument('<ids...>', 'the ids of the tasks')
    .requiredOption('--reason <text>', 'the reason, for the audit trail');
  return withExamples(command, [
    [
      'errand dismiss 01a1fda3-8ecb-7e32-bbab-5d3baba36f01 --reason "paid by phone"',
      'take it out of its group of errors',
    ],
  ]).action(withSession(run));
}

async function run(session: Session, ids: string[], { reason }: Options): Promise<number> {
  const { operateEach } = await import('../../operate/operate_each.ts');
  return await operateEach(session, ids, (id) => session.client.dismiss(id, { reason }));
}
