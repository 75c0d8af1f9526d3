import type { ComponentChildren } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { csvOfTable, saveFile } from './csv.ts';
import { type Asked, Standing } from './notice.tsx';
import { TableBox } from './page.tsx';

/** A column: its title, and what it shows of each row. Cells of the class `wide` are left out on a phone. */
export type Column<Row> = {
  title: string;
  /** The title is only read out, such as that of buttons. */
  isSilent?: boolean;
  class?: string;
  cell: (row: Row) => ComponentChildren;
};

type Props<Row> = {
  /** What the table has, for a reader of the screen, and the name of its file. */
  label: string;
  /** Keep the same list between renderings: then only the rows that have changed are rendered again. */
  columns: readonly Column<Row>[];
  /** Undefined: they are not read yet. */
  rows: readonly Row[] | undefined;
  keyOf: (row: Row) => string;
  /** The reading of the rows and what they are: then the table says that it loads, fails or may not be seen. */
  asked?: Asked;
  what?: string;
  /** Shown instead of a table without rows. Without it, nothing is. */
  empty?: ComponentChildren;
  /** More about a row, in a line below it. */
  detail?: (row: Row) => ComponentChildren;
  /** Whether the rows are those of the page before, while the next one is read. */
  isOld?: boolean;
  class?: string;
  /** Offers the rows that are shown as a file. */
  hasCsv?: boolean;
};

/**
 * A table with all of its states: it loads, it failed, the user may not see it, it is empty, it has rows. It scrolls
 * sideways by mouse and keyboard, and can be saved as CSV.
 */
export function Table<Row>(props: Props<Row>) {
  const { label, columns, rows, keyOf, asked, what = 'the rows', empty, detail, isOld = false } = props;
  const table = useRef<HTMLTableElement>(null);
  return (
    <>
      {asked !== undefined && <Standing asked={asked} what={what} />}
      {rows?.length === 0 && empty}
      {rows !== undefined && rows.length > 0 && (
        <TableBox label={label}>
          <table ref={table} class={`${props.class ?? ''}${isOld ? ' old' : ''}`} aria-busy={isOld}>
            <thead>
              <tr>
                {columns.map(({ title, isSilent = false, class: kind }) => (
                  <th key={title} scope="col" class={headOf(kind)}>
                    {isSilent ? <span class="hidden">{title}</span> : title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <TableRow key={keyOf(row)} row={row} columns={columns} detail={detail} />
              ))}
            </tbody>
          </table>
        </TableBox>
      )}
      {props.hasCsv && rows !== undefined && rows.length > 0 && (
        <button
          type="button"
          class="small save-rows"
          onClick={() => {
            if (table.current === null) return;
            saveFile(`${label.toLowerCase().replaceAll(' ', '_')}.csv`, csvOfTable(table.current));
          }}
        >
          CSV<span class="hidden"> of {label}: save these rows</span>
        </button>
      )}
    </>
  );
}

/** What a title has of the class of its cells. */
function headOf(kind = ''): string | undefined {
  const kept = kind.split(' ').filter((one) => one === 'wide' || one === 'bar-cell');
  return kept.length === 0 ? undefined : kept.join(' ');
}

function TableRow<Row>(props: {
  row: Row;
  columns: readonly Column<Row>[];
  detail: ((row: Row) => ComponentChildren) | undefined;
}) {
  const { row, columns, detail } = props;
  // The same elements again: Preact leaves out a row that has not changed
  return useMemo(() => {
    const more = detail?.(row);
    return (
      <>
        <tr>
          {columns.map(({ title, class: kind, cell }) => (
            <td key={title} class={kind}>
              {cell(row)}
            </td>
          ))}
        </tr>
        {more !== undefined && more !== null && (
          <tr class="detail-row">
            <td />
            <td colSpan={columns.length - 1}>{more}</td>
          </tr>
        )}
      </>
    );
  }, [row, columns, detail]);
}
