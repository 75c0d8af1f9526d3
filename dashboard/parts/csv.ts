import { csvLine } from '../text/csv.ts';

/** The rows of a table as CSV (RFC 4180), as they are shown, but with exact times and without buttons. */
export function csvOfTable(table: HTMLTableElement): string {
  const rows = [...table.rows].filter((row) => row.cells.length === table.rows[0]?.cells.length);
  return rows.map((row) => csvLine([...row.cells].map(textOf))).join('');
}

/** The text of a cell. Its parts are apart from each other. */
function textOf(cell: Node): string {
  if (cell instanceof HTMLTimeElement) return cell.dateTime;
  if (cell instanceof HTMLButtonElement || cell instanceof SVGElement) return '';
  if (cell instanceof Text) return cell.data;
  const isHidden = cell instanceof Element && cell.ariaHidden === 'true';
  if (isHidden) return '';
  const isBlock = cell instanceof HTMLElement && cell.classList.contains('sub');
  const text = [...cell.childNodes].map(textOf).join('').trim();
  return isBlock && text !== '' ? ` ${text} ` : text;
}

/** Saves a text, or what was downloaded, as a file of the user. */
export function saveFile(name: string, content: string | Blob): void {
  const blob = typeof content === 'string' ? new Blob([content], { type: 'text/csv' }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
