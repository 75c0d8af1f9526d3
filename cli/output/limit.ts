import type { Limit, LimitHolder, LimitKey, LimitRecord, LimitWaiter } from '../limits/answers.ts';
import type { Session } from '../session.ts';
import { paint } from './paint.ts';
import { toOneLine } from './plain.ts';
import { printFields } from './record.ts';
import type { Column } from './table.ts';
import { ageOf, toCount, toDuration, toMoment } from './words.ts';

const counted = (count: number, isCapped: boolean): string => `${toCount(count)}${isCapped ? '+' : ''}`;

/** The value that holds: `5`, `2 per key`, `10 in 1 min`, `none`. */
function valueText({ limit, is_keyed, rate }: Pick<Limit, 'limit' | 'is_keyed' | 'rate'>): string {
  if (limit === null) return 'none';
  const period = rate === null ? '' : ` in ${toDuration(rate.period_seconds * 1_000)}`;
  return `${toCount(limit)}${period}${is_keyed ? ' per key' : ''}`;
}

/** The used part of it: slots, or of a rate the starts of its window. */
function usedOf({ rate, holders, holders_is_capped }: Limit): string {
  if (rate === null) return counted(holders, holders_is_capped);
  return counted(rate.starts, rate.starts_is_capped);
}

/** The settings of operators in words. */
function noteOf({ paused, setting, declared, is_keyed, rate }: Limit): string {
  if (setting === null) return '';
  const words = [
    ...(paused ? ['paused'] : []),
    ...(setting.has_limit
      ? [
          declared === null
            ? 'no definition has it'
            : `declared: ${valueText({ limit: declared, is_keyed, rate })}`,
        ]
      : []),
  ].join(', ');
  const by = setting.actor === null ? '' : ` by ${setting.actor}`;
  return `${words}${by}${setting.reason === null ? '' : `: ${setting.reason}`}`;
}

/** The columns of a list of limits. Names are never cut, because people copy them. */
export const LIMITS: readonly Column<Limit>[] = [
  { head: 'LIMIT', cell: ({ name }) => name },
  { head: 'VALUE', cell: valueText },
  {
    head: 'STATE',
    cell: ({ paused }) => (paused ? 'paused' : 'open'),
    paint: (text) => (text.trim() === 'paused' ? paint('yellow', text) : text),
  },
  { head: 'USED', cell: usedOf, align: 'right' },
  {
    head: 'WAITING',
    cell: ({ waiters, waiters_is_capped }) => counted(waiters, waiters_is_capped),
    align: 'right',
  },
  {
    head: 'OLDEST',
    cell: ({ oldest_waiter_since }) => ageOf(oldest_waiter_since),
    align: 'right',
    dropOrder: 2,
  },
  { head: 'NOTE', cell: noteOf, min: 16, dropOrder: 1 },
];

const KEYS: readonly Column<LimitKey>[] = [
  { head: 'KEY', cell: ({ key }) => (key === '' ? '(all)' : key), min: 12 },
  {
    head: 'HOLDS',
    cell: ({ holders, holders_is_capped }) => counted(holders, holders_is_capped),
    align: 'right',
  },
  {
    head: 'STARTS',
    cell: ({ starts }) => (starts === null ? '-' : toCount(starts)),
    align: 'right',
    dropOrder: 2,
  },
  {
    head: 'WAITING',
    cell: ({ waiters, waiters_is_capped }) => counted(waiters, waiters_is_capped),
    align: 'right',
  },
  { head: 'OLDEST', cell: ({ oldest_waiter_since }) => ageOf(oldest_waiter_since), align: 'right' },
  { head: 'NEXT START', cell: ({ next_start_at }) => ageOf(next_start_at), align: 'right', dropOrder: 1 },
];

const HOLDERS: readonly Column<LimitHolder>[] = [
  { head: 'TASK', cell: ({ id }) => id },
  { head: 'NAME', cell: ({ name }) => name, min: 12 },
  { head: 'FOR', cell: ({ since }) => ageOf(since), align: 'right' },
  { head: 'RUNNER', cell: ({ runner_id }) => String(runner_id), align: 'right', dropOrder: 2 },
  { head: 'KEY', cell: ({ key }) => key, min: 8, dropOrder: 1 },
];

const WAITERS: readonly Column<LimitWaiter>[] = [
  { head: 'TASK', cell: ({ id }) => id },
  { head: 'NAME', cell: ({ name }) => name, min: 12 },
  { head: 'DUE', cell: ({ since }) => ageOf(since), align: 'right' },
  { head: 'PRIORITY', cell: ({ priority }) => String(priority), align: 'right', dropOrder: 2 },
  { head: 'KEY', cell: ({ key }) => key, min: 8, dropOrder: 1 },
];

/** Prints a limit for people. */
export function printLimit(session: Session, limit: LimitRecord): void {
  const { declared, rate, setting, definitions } = limit;
  printFields(session, [
    ['Limit', toOneLine(limit.name)],
    ['Value', valueText(limit)],
    ['Declared', declared === null ? 'by no definition' : valueText({ ...limit, limit: declared })],
    [
      'Burst',
      rate === null || rate.burst === null
        ? undefined
        : `${toCount(rate.burst)} in ${toDuration(rate.window_seconds * 1_000)}`,
    ],
    ['Paused', limit.paused ? paint('yellow', 'yes: nothing starts under it') : undefined],
    ['Set', setting === null ? undefined : `${toMoment(setting.at)}${toOneLine(byWhom(setting))}`],
    ['Definitions', definitions.length === 0 ? undefined : toOneLine(definitions.join(', '))],
    [rate === null ? 'Slots taken' : 'Starts', usedOf(limit)],
    ['Waiting', counted(limit.waiters, limit.waiters_is_capped)],
    ['Longest wait', limit.oldest_waiter_since === null ? undefined : ageOf(limit.oldest_waiter_since)],
  ]);
  const hasKeys = limit.is_keyed || rate !== null || limit.keys.some(({ key }) => key !== '');
  printTable(session, 'Busiest keys', KEYS, hasKeys ? limit.keys : []);
  if (limit.keys_is_capped) session.note('There are more keys: see --key.');
  if (limit.keys_are_hidden) session.note('Other namespaces share this limit, so its keys are not shown.');
  printTable(session, 'Tasks that hold it', HOLDERS, limit.holding);
  printTable(session, 'Tasks that wait', WAITERS, limit.waiting);
}

function byWhom({ actor, reason }: NonNullable<LimitRecord['setting']>): string {
  return `${actor === null ? '' : ` by ${actor}`}${reason === null ? '' : `: ${reason}`}`;
}

function printTable<Row>(
  session: Session,
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): void {
  if (rows.length === 0) return;
  session.print(`\n${paint('bold', title)}`);
  session.table(columns, rows);
}
