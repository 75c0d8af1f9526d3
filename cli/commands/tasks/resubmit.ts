import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { UsageError } from '../../exit_codes.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { reason: string; quiet?: boolean };

/** `errand resubmit`: replaces a failed task by a new one with a corrected payload. */
export function resubmitCommand(): Command {
  const command = remoteCommand(
    'resubmit',
    'Replace a failed or cancelled task by a new one with a corrected payload',
    'the new task as one JSON document',
  )
    .argument('<id>', 'the id of the task')
    .argument(
      '[payload]',
      'the new payload: JSON, @file, or - for standard input (default: that of the task)',
    )
    .requiredOption('--reason <text>', 'the reason, for the audit trail')
    .option('-q, --quiet', 'print only the id of the new task');
  return withExamples(command, [
    [
      `errand resubmit 01a1fda3-8ecb-7e32-bbab-5d3baba36f01 '{"message":"corrected"}' --reason "a wrong text"`,
      'both tasks name each other',
    ],
  ]).action(withSession(run));
}

async function run(
  session: Session,
  id: string,
  given: string | undefined,
  { reason, quiet }: Options,
): Promise<void> {
  const { readPayload } = await import('../../input.ts');
  const payload = given === undefined ? undefined : await readPayload(given);
  if (payload !== undefined && !isObject(payload)) throw new UsageError('The payload must be a JSON object');
  const submitted = await session.client.resubmit(id, { reason, payload });
  const { toWire } = await import('../../output/wire.ts');
  if (session.isJson) return session.json(toWire(submitted));
  session.print(submitted.id);
  if (quiet !== true) session.note(`It replaces ${id}, which is dismissed.`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
