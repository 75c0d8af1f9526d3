import type { Command } from 'commander';
import { UsageError } from '../../exit_codes.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';
import { addSubmitOptions, type SubmitFlags } from '../../submit/submit_options.ts';

/** `errand submit`: submits one task, or those of a file. */
export function submitCommand(): Command {
  const command = remoteCommand(
    'submit',
    'Submit a task, or a file of tasks',
    'the task as one JSON document; with --batch a line of JSON for each item',
  )
    .argument('<name>', 'the name of the task')
    .argument('[payload]', 'the payload: JSON, @file, or - for standard input (default: {})');
  return withExamples(addSubmitOptions(command), EXAMPLES).action(withSession(submit));
}

const EXAMPLES = [
  [`errand submit example.echo '{"message":"hello"}' --wait`, 'submit, wait, and print the result'],
  [
    'errand submit example.sleep --payload @sleep.json --delay 15m --tag nightly',
    'from a file, in 15 minutes',
  ],
  [`echo '{"message":"hello"}' | errand submit example.echo -`, 'from standard input'],
  ['errand submit example.echo --batch messages.ndjson --json', 'one task for each line of a file'],
] as const;

const submit = async (
  session: Session,
  name: string,
  argument: string | undefined,
  flags: SubmitFlags,
): Promise<number> => {
  if (argument !== undefined && flags.payload !== undefined)
    throw new UsageError('The payload is given twice: as an argument and by --payload');
  if (flags.dedup !== undefined && !['payload', 'none'].includes(flags.dedup))
    throw new UsageError(`--dedup must be payload or none, got ${JSON.stringify(flags.dedup)}`);
  const payload = argument ?? flags.payload;
  if (flags.batch === undefined) {
    const { submitOne } = await import('../../submit/submit_one.ts');
    return submitOne(session, name, payload ?? '{}', flags);
  }
  if (payload !== undefined) throw new UsageError('--batch brings the payloads: leave out the other one');
  const unusable = (['wait', 'dedupKey', 'quiet'] as const).find((flag) => flags[flag] !== undefined);
  if (unusable !== undefined)
    throw new UsageError(
      `--${unusable === 'dedupKey' ? 'dedup-key' : unusable} cannot be combined with --batch`,
    );
  const { submitBatch } = await import('../../submit/submit_batch.ts');
  return submitBatch(session, name, flags.batch, flags);
};
