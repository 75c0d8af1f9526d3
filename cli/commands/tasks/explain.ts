import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

/** `errand explain`: says why a task does not run. */
export function explainCommand(): Command {
  const command = remoteCommand(
    'explain',
    'Say why a task does not run, what it does, or how it ended, and what to do',
    'the explanation as one JSON document',
  ).argument('<id>', 'the id of the task');
  return withExamples(command, [
    ['errand explain 01a1fda3-8ecb-7e32-bbab-5d3baba36f01', 'find out why a task waits'],
  ]).action(withSession(run));
}

async function run(session: Session, id: string, _options: RemoteOptions): Promise<void> {
  const explanation = await session.client.explain(id);
  if (session.isJson) {
    const { toWire } = await import('../../output/wire.ts');
    return session.json(toWire(explanation));
  }
  const { printExplanation } = await import('../../output/explanation.ts');
  printExplanation(session, explanation);
}
