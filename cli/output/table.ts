import Table from 'cli-table3';
import { paint } from './paint.ts';
import { toOneLine } from './plain.ts';
import { widthOf } from './width.ts';

/** A column of a table. */
export type Column<Row> = {
  head: string;
  /** The text of a cell, as it comes. The table makes it harmless and puts it on one line. */
  cell: (row: Row) => string;
  align?: 'right';
  /** If the terminal is too narrow, the column may be cut to this width. By default it is never cut. */
  min?: number;
  /** If that is not enough, columns are left out, those with the largest number first. */
  dropOrder?: number;
  /** Colours a cell. */
  paint?: (text: string) => string;
};

const GAP = 2;
const NO_BORDERS = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
    .map((place) => [place, '']),
);

/**
 * A table without borders that fits into `width` columns of a terminal. Columns that may be cut are cut,
 * the widest first; then columns are left out. With an infinite width (a pipe), all is complete.
 */
export function toTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number = Number.POSITIVE_INFINITY,
): string {
  const texts = rows.map((row) => columns.map(({ cell }) => toOneLine(cell(row))));
  const natural = columns.map(({ head }, index) =>
    Math.max(widthOf(head), ...texts.map((cells) => widthOf(cells[index] ?? ''))),
  );
  const shown = fit(columns, natural, width);
  const table = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': GAP, head: [], border: [], compact: true },
    head: shown.map(({ index }) => paint('bold', columns[index]?.head ?? '')),
    colAligns: shown.map(({ index }) => columns[index]?.align ?? 'left'),
    colWidths: shown.map((column) => column.width + GAP),
  });
  for (const cells of texts) {
    table.push(
      shown.map(({ index }) => {
        const text = cells[index] ?? '';
        return columns[index]?.paint?.(text) ?? text;
      }),
    );
  }
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

type Fitted = { index: number; width: number };

/** The columns that are shown, and their widths. */
function fit<Row>(columns: readonly Column<Row>[], natural: readonly number[], width: number): Fitted[] {
  let shown = natural.map((size, index) => ({ index, width: size }));
  const minOf = ({ index }: Fitted): number =>
    Math.min(natural[index] ?? 0, columns[index]?.min ?? Number.POSITIVE_INFINITY);
  for (;;) {
    const least = sum(shown.map(minOf)) + GAP * (shown.length - 1);
    const dropped = shown
      .filter(({ index }) => columns[index]?.dropOrder !== undefined)
      .sort((a, b) => (columns[b.index]?.dropOrder ?? 0) - (columns[a.index]?.dropOrder ?? 0))[0];
    if (least <= width || dropped === undefined) break;
    shown = shown.filter((column) => column !== dropped);
  }
  let excess = sum(shown.map((column) => column.width)) + GAP * (shown.length - 1) - width;
  while (excess > 0) {
    const [widest] = shown.filter((one) => one.width > minOf(one)).sort((a, b) => b.width - a.width);
    if (widest === undefined) break;
    widest.width -= 1;
    excess -= 1;
  }
  return shown;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
