import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';

/** `errand get`: shows the record of a task. */
export function getCommand(): Command {
  const command = remoteCommand(
    'get',
    'Show a task: state, payload, result, error, attempts, steps',
    'the record as one JSON document',
  ).argument('<id>', 'the id of the task');
  return withExamples(command, [
    ['errand get 01a1fda3-8ecb-7e32-bbab-5d3baba36f01', 'show everything about a task'],
    ['errand get 01a1fda3-8ecb-7e32-bbab-5d3baba36f01 --json | jq .result', 'only its result'],
  ]).action(
    withSession(async (session, id: string, _options: RemoteOptions) => {
      const task = await session.client.get(id);
      if (session.isJson) {
        const { toWire } = await import('../../output/wire.ts');
        session.json(toWire(task));
        return;
      }
      const { printRecord } = await import('../../output/record.ts');
      printRecord(session, task);
    }),
  );
}
