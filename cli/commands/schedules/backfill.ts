import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { UsageError } from '../../exit_codes.ts';
import { pastTime } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & {
  from?: string;
  to?: string;
  dryRun?: boolean;
  repeat?: boolean;
  reason?: string;
  yes?: boolean;
};

/** `errand schedules backfill`: submits the tasks of past times that have not run. */
export function backfillCommand(): Command {
  const command = remoteCommand(
    'backfill',
    'Submit the tasks of past times that have not run',
    'the answer as one JSON document',
  )
    .argument('<schedule>', 'the id of the schedule')
    .option('--from <time>', 'the first time: 2d (ago), 2026-11-30T02:30', pastTime)
    .option('--to <time>', 'the last time; now if it is left out', pastTime)
    .option('--dry-run', 'only count the times')
    .option('--repeat', 'also times that are older than the history, and may have run')
    .option('--reason <text>', 'the reason, for the audit trail')
    .option('-y, --yes', 'do not ask');
  return withExamples(command, [
    ['errand schedules backfill billing.nightly --from 7d --dry-run', 'which times of a week have not run'],
    [
      'errand schedules backfill billing.nightly --from 2026-11-01 --to 2026-11-08 --yes',
      'run them, without a question',
    ],
  ]).action(withSession(run));
}

async function run(session: Session, id: string, options: Options): Promise<void> {
  if (options.from === undefined) throw new UsageError('Give the first time to backfill: --from');
  const [{ backfillSchema }, { schedulePath }, { requireConsent }, { toOneLine }] = await Promise.all([
    import('../../schedules/answers.ts'),
    import('../../schedules/operate.ts'),
    import('../../operate/consent.ts'),
    import('../../output/plain.ts'),
  ]);
  const { from, repeat, reason } = options;
  const to = options.to ?? (await nowOf(session, id));
  const send = (dry_run: boolean): Promise<unknown> =>
    session.client.request('POST', schedulePath(id, 'backfill'), {
      body: { from, to, repeat, reason, dry_run },
      // A time that it has submitted is known the second time, unless its row is too old to be kept.
      repeatable: dry_run || repeat !== true,
    });
  let answer = await send(true);
  const planned = backfillSchema.parse(answer);
  if (options.dryRun !== true) {
    const isAgreed = options.yes === true || planned.submitted === 0;
    await requireConsent(
      session,
      `${planned.message}. Submit them?`,
      isAgreed,
      ', or --dry-run to count only',
    );
    answer = await send(false);
  }
  if (session.isJson) return session.json(answer);
  const { message, tasks } = backfillSchema.parse(answer);
  session.print(toOneLine(message));
  if (tasks.length === 0) return;
  const { BACKFILLED } = await import('../../output/schedule_tables.ts');
  session.table(BACKFILLED, tasks);
}

/** The time of the clock that schedules go by: that of this machine may be ahead of it. */
async function nowOf(session: Session, id: string): Promise<string> {
  const [{ explanationSchema }, { schedulePath }] = await Promise.all([
    import('../../schedules/answers.ts'),
    import('../../schedules/operate.ts'),
  ]);
  return explanationSchema.parse(await session.client.request('GET', schedulePath(id, 'explain')))
    .explained_at;
}
