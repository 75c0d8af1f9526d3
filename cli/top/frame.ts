import type { NameStats } from '../answers.ts';
import { paint, paintWord } from '../output/paint.ts';
import { toOneLine } from '../output/plain.ts';
import { RUNNERS } from '../output/runner_table.ts';
import { STATS } from '../output/stats.ts';
import { toTable } from '../output/table.ts';
import { padTo } from '../output/width.ts';
import { toClock, toCount, toDuration, toPercent, toRate } from '../output/words.ts';
import type { Snapshot } from './snapshot.ts';

export type Size = { columns: number; rows: number };

/** The words in the head of a picture, besides the figures. */
export type Heading = {
  url: string;
  /** The problem since the figures were read, if any. */
  problem?: string | undefined;
  keys: string;
};

/** The part of the lines below the head that the runners may take. */
const RUNNERS_SHARE = 0.4;

/**
 * The lines of one picture: throughput and states, the names (the busiest first, then the slowest), and the
 * runners. Never more lines than the terminal has, nor wider ones. `rows` may be infinite.
 */
export function frameOf(snapshot: Snapshot, heading: Heading, { columns, rows }: Size): string[] {
  const head = [...headLines(snapshot, heading, columns), ''];
  const room = Math.max(0, rows - head.length);
  const { names } = snapshot.stats;
  const runnerLines = toLines(toTable(RUNNERS, snapshot.runners, columns));
  const nameLines = toLines(toTable(STATS, names.toSorted(byBusyness), columns));
  const runnerRoom = Number.isFinite(room)
    ? Math.min(runnerLines.length, Math.max(Math.floor(room * RUNNERS_SHARE), room - nameLines.length - 1))
    : runnerLines.length;
  const below = [
    ...cutLines(names.length === 0 ? ['No task is open or has finished.'] : nameLines, room - runnerRoom - 1),
    '',
    ...cutLines(
      snapshot.runners.length === 0 ? [paint('red', 'No runner is live.')] : runnerLines,
      runnerRoom,
    ),
  ];
  return [...head, ...below].slice(0, rows);
}

function headLines({ at, stats, waiting, paused }: Snapshot, heading: Heading, columns: number): string[] {
  const { total } = stats;
  const seconds = Math.max(1, (Date.parse(stats.to) - Date.parse(stats.from)) / 1_000);
  const finished = Object.values(total.finished).reduce((sum, count) => sum + count, 0);
  const [oldest] = waiting.toSorted((a, b) => b.oldest_wait_seconds - a.oldest_wait_seconds);
  const wait =
    oldest === undefined
      ? 'nothing waits'
      : `oldest wait ${toDuration(oldest.oldest_wait_seconds * 1_000)} (${toOneLine(oldest.name)})`;
  const success = total.success_rate === null ? '' : `  success ${toPercent(total.success_rate)}`;
  const open = Object.entries(total.open).map(([state, count]) => `${paintWord(state)} ${toCount(count)}`);
  return [
    titleOf(heading, columns, at),
    padTo(
      `throughput ${toRate(finished / seconds)} in ${toDuration(seconds * 1_000)}${success}  ${wait}`,
      columns,
    ).trimEnd(),
    open.join('  '),
    ...paused
      .slice(0, 2)
      .map(({ target, actor }) =>
        paint('yellow', padTo(`paused: ${toOneLine(target)} by ${toOneLine(actor)}`, columns).trimEnd()),
      ),
    ...(heading.problem === undefined
      ? []
      : [paint('red', padTo(toOneLine(heading.problem), columns).trimEnd())]),
  ];
}

function titleOf({ url, keys }: Heading, columns: number, at: Date): string {
  const clock = toClock(at.toISOString()).slice(0, 8);
  const right = keys === '' ? clock : `${keys}  ${clock}`;
  const width = Number.isFinite(columns) ? columns : 80;
  return paint('bold', `${padTo(`errand top  ${url}`, Math.max(0, width - right.length - 1))} ${right}`);
}

/** First what is waiting or running, the most first; among equals what takes longest. */
function byBusyness(a: NameStats, b: NameStats): number {
  const openOf = ({ open }: NameStats): number => Object.values(open).reduce((sum, count) => sum + count, 0);
  const slowness = ({ processing_seconds }: NameStats): number => processing_seconds.p95 ?? 0;
  return openOf(b) - openOf(a) || slowness(b) - slowness(a) || a.name.localeCompare(b.name);
}

function toLines(table: string): string[] {
  return table.trimEnd().split('\n');
}

/** At most so many lines; the last one says how many are missing. */
function cutLines(lines: string[], most: number): string[] {
  if (lines.length <= most) return lines;
  if (most <= 1) return lines.slice(0, Math.max(0, most));
  return [...lines.slice(0, most - 1), paint('dim', `and ${lines.length - most + 1} more`)];
}
