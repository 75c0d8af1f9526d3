import type { Command } from 'commander';
import type { AuditEntry } from '../../answers.ts';
import type { RemoteOptions } from '../../connection.ts';
import { integer, pastTime } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & {
  task?: string;
  bulk?: string;
  namespace?: string;
  actor?: string;
  action?: string;
  from?: string;
  to?: string;
  limit: number;
};

const DEFAULT_LIMIT = 50;
const MAX_PAGE = 100;

/** `errand audit`: lists the actions of operators. */
export function auditCommand(): Command {
  const command = remoteCommand(
    'audit',
    'List what operators did, newest first',
    'one JSON document with `entries` and `has_more`',
  )
    .option('--task <id>', 'actions on this task')
    .option('--bulk <id>', 'the actions of a bulk operation on each task')
    .option('--namespace <namespace>', 'actions in this namespace')
    .option('--actor <actor>', 'actions of this actor, such as user:ann or key:ci')
    .option('--action <action>', 'actions of this kind: cancel, retry, resolve, pause, resume, bulk_cancel …')
    .option('--from <time>', 'at or after this time: 2h (ago), 2026-11-30T14:00', pastTime)
    .option('--to <time>', 'before this time', pastTime)
    .option('-n, --limit <number>', 'at most this many', integer(1, 100_000), DEFAULT_LIMIT);
  return withExamples(command, [
    ['errand audit --from 24h', 'everything that operators did in the last day'],
    ['errand audit --action pause --namespace billing', 'who paused billing, and why'],
  ]).action(withSession(run));
}

async function run(session: Session, options: Options): Promise<void> {
  const { entries, hasMore } = await readEntries(session, options);
  if (session.isJson) return session.json({ entries, has_more: hasMore });
  if (entries.length === 0) return session.note('No action matches.');
  const { toLocalTime } = await import('../../output/words.ts');
  session.table(
    [
      { head: 'AT', cell: ({ at }: AuditEntry) => toLocalTime(at) },
      { head: 'ACTOR', cell: ({ actor }) => actor, min: 8 },
      { head: 'ACTION', cell: ({ action }) => action },
      { head: 'TARGET', cell: targetOf, min: 10 },
      { head: 'REASON', cell: ({ reason }) => reason ?? '', min: 8 },
      { head: 'TASK', cell: ({ task_id }) => task_id ?? '', dropOrder: 1 },
    ],
    entries,
  );
  if (hasMore) session.note(`The last ${entries.length}. See --limit.`);
}

/** A bulk operation has a filter instead of a target. */
function targetOf({ target, details }: AuditEntry): string {
  return target ?? (details === null || !('filter' in details) ? '' : JSON.stringify(details.filter));
}

async function readEntries(
  { client }: Session,
  options: Options,
): Promise<{ entries: AuditEntry[]; hasMore: boolean }> {
  const { auditSchema } = await import('../../answers.ts');
  const query = {
    task_id: options.task,
    bulk_id: options.bulk,
    namespace: options.namespace,
    actor: options.actor,
    action: options.action,
    from: options.from,
    to: options.to,
  };
  const entries: AuditEntry[] = [];
  let cursor: string | undefined;
  do {
    const page_size = Math.min(MAX_PAGE, options.limit - entries.length);
    const answer = await client.request('GET', '/v1/audit', { query: { ...query, page_size, cursor } });
    const page = auditSchema.parse(answer);
    // All fields, also those that no table shows.
    entries.push(...(answer as { entries: AuditEntry[] }).entries);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && entries.length < options.limit);
  return { entries, hasMore: cursor !== undefined };
}
