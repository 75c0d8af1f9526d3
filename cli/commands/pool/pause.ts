import type { Command } from 'commander';
import type { Pause } from '../../answers.ts';
import type { RemoteOptions } from '../../connection.ts';
import { UsageError } from '../../exit_codes.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { reason?: string; list?: boolean };

/** `errand pause`: stops starting tasks of a queue. */
export function pauseCommand(): Command {
  const command = remoteCommand(
    'pause',
    'Stop starting tasks of a namespace or a name',
    'the answer as one JSON document',
  )
    .argument('[queue]', 'a namespace, the name of a task, or the name of a workflow (with its steps)')
    .option('--reason <text>', 'the reason, for the audit trail')
    .option('--list', 'list what is paused');
  return withExamples(command, [
    ['errand pause billing --reason "the bank is down"', 'pause a namespace: running tasks continue'],
    ['errand pause --list', 'list what is paused, by whom and why'],
  ]).action(withSession(run));
}

async function run(session: Session, queue: string | undefined, options: Options): Promise<void> {
  if ((queue === undefined) === (options.list !== true))
    throw new UsageError('Give a namespace or a name to pause, or --list to see what is paused');
  if (queue === undefined) return await printPauses(session);
  const { changeQueue } = await import('../../operate/change_queue.ts');
  await changeQueue(session, queue, 'pause', options.reason);
}

async function printPauses(session: Session): Promise<void> {
  const { queuesSchema } = await import('../../answers.ts');
  const { queues } = queuesSchema.parse(await session.client.request('GET', '/v1/queues'));
  const byTarget = new Map(
    queues.flatMap(({ pauses }) => pauses.map((pause): [string, Pause] => [pause.target, pause])),
  );
  const pauses = [...byTarget.values()];
  if (session.isJson) return session.json({ pauses });
  if (pauses.length === 0) return session.note('Nothing is paused.');
  const { ageOf } = await import('../../output/words.ts');
  session.table(
    [
      { head: 'QUEUE', cell: ({ target }: Pause) => target, min: 12 },
      { head: 'FOR', cell: ({ paused_at }) => ageOf(paused_at), align: 'right' },
      { head: 'BY', cell: ({ actor }) => actor, min: 8 },
      { head: 'REASON', cell: ({ reason }) => reason ?? '', min: 10 },
    ],
    pauses,
  );
}
