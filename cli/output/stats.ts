import type { NameStats, Stats } from '../answers.ts';
import type { Session } from '../session.ts';
import { paint, paintWord } from './paint.ts';
import type { Column } from './table.ts';
import { toCount, toDuration, toLocalTime, toPercent, toSeconds } from './words.ts';

type Row = Pick<NameStats, 'name'> & Stats['total'];

const countOf = (counts: Record<string, number>, state: string): string => toCount(counts[state] ?? 0);
const isZero = (text: string): boolean => text === '0';
const quietZero = (text: string): string => (isZero(text) ? paint('dim', text) : text);
const redUnlessZero = (text: string): string => (isZero(text) ? paint('dim', text) : paint('red', text));

/** The columns of statistics. The first half is now, the second half is the window. */
export const STATS: readonly Column<Row>[] = [
  { head: 'NAME', cell: ({ name }) => name, min: 24 },
  ...['queued', 'running', 'retrying'].map(
    (state): Column<Row> => ({
      head: state.toUpperCase(),
      cell: ({ open }) => countOf(open, state),
      align: 'right',
      paint: quietZero,
    }),
  ),
  { head: 'LATER', cell: laterOf, align: 'right', paint: quietZero, dropOrder: 3 },
  { head: 'DONE', cell: doneOf, align: 'right', paint: quietZero },
  {
    head: 'FAILED',
    cell: ({ finished }) => countOf(finished, 'failed'),
    align: 'right',
    paint: redUnlessZero,
  },
  { head: 'OK', cell: ({ success_rate }) => toPercent(success_rate), align: 'right', dropOrder: 4 },
  { head: 'TRIES', cell: triesOf, align: 'right', dropOrder: 6 },
  {
    head: 'p50',
    cell: ({ processing_seconds }) => toSeconds(processing_seconds.p50),
    align: 'right',
    dropOrder: 5,
  },
  { head: 'p95', cell: ({ processing_seconds }) => toSeconds(processing_seconds.p95), align: 'right' },
  {
    head: 'WAIT p95',
    cell: ({ queue_wait_seconds }) => toSeconds(queue_wait_seconds.p95),
    align: 'right',
    dropOrder: 2,
  },
];

/** Prints statistics for people: the sums, and a line for each name. */
export function printStats(session: Session, { from, to, total, names }: Stats): void {
  const ms = Date.parse(to) - Date.parse(from);
  const open = Object.entries(total.open).map(([state, count]) => `${paintWord(state)} ${toCount(count)}`);
  session.print(`Open: ${open.join('  ')}${total.open_is_capped ? ' or more' : ''}`);
  const finished = Object.entries(total.finished).map(
    ([state, count]) => `${paintWord(state)} ${toCount(count)}`,
  );
  session.print(`Since ${toLocalTime(from)} (${toDuration(ms)}): ${finished.join('  ')}\n`);
  if (names.length === 0) session.note('No task is open, and none has finished in the window.');
  else session.table(STATS, [...byName(names), { ...total, name: 'all' }]);
}

function byName(names: readonly NameStats[]): NameStats[] {
  return [...names].sort((a, b) => a.name.localeCompare(b.name));
}

function laterOf({ open }: Row): string {
  return toCount((open.scheduled ?? 0) + (open.waiting ?? 0));
}

function doneOf({ finished }: Row): string {
  return toCount((finished.succeeded ?? 0) + (finished.resolved ?? 0));
}

function triesOf({ attempts_per_task }: Row): string {
  return attempts_per_task === null ? '-' : String(Number(attempts_per_task.toFixed(2)));
}
