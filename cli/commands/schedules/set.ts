import type { Command } from 'commander';
import { UsageError } from '../../exit_codes.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import {
  addSettingsOptions,
  addTimingOptions,
  givenSettings,
  type SettingsFlags,
  toSettings,
} from '../../schedules/settings_options.ts';
import type { Session } from '../../session.ts';

type Options = SettingsFlags & { dryRun?: boolean; reason?: string };

/** `errand schedules set`: makes or changes a schedule. */
export function setCommand(): Command {
  const command = remoteCommand(
    'set',
    'Make a schedule, or replace its settings: what is left out has its default',
    'the answer as one JSON document',
  )
    .argument('<schedule>', 'the id of the schedule; it begins with the namespace of its task')
    .argument('[settings]', 'its settings: JSON, @file, or - for standard input; or give options');
  return withExamples(addTimingOptions(addSettingsOptions(command)), EXAMPLES)
    .option('--dry-run', 'only check the settings, and say when it would run')
    .option('--reason <text>', 'the reason, for the audit trail')
    .action(withSession(run));
}

const EXAMPLES = [
  [
    `errand schedules set example.morning --task example.echo --payload '{"message":"Good morning"}' --cron '30 7 * * MON-FRI' --timezone Europe/Berlin`,
    'on weekdays at 07:30 in Berlin',
  ],
  ['errand schedules set example.poll --task example.now --every 5m --overlap skip', 'every five minutes'],
  ['errand schedules set example.morning @morning.json --dry-run', 'check a file of settings'],
] as const;

async function run(
  session: Session,
  id: string,
  document: string | undefined,
  options: Options,
): Promise<void> {
  if (document !== undefined && givenSettings(options).length > 0)
    throw new UsageError('Give the settings as a document or as options, not both');
  const [{ readPayload }, { changeSchedule, schedulePath }] = await Promise.all([
    import('../../input.ts'),
    import('../../schedules/operate.ts'),
  ]);
  const body =
    document === undefined
      ? toSettings(options, await readPayload(options.payload ?? '{}'))
      : await readPayload(document, 'The document of settings');
  await changeSchedule(session, 'PUT', schedulePath(id), {
    query: { dry_run: options.dryRun, reason: options.reason },
    body,
  });
}
