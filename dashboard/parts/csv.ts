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

/** A line of CSV. A text that a spreadsheet would take for a formula begins with an apostrophe. */
export function csvLine(cells: readonly string[]): string {
  const written = cells.map((cell) => {
    const text = cell.replace(/\s+/g, ' ').trim();
    const safe = /^[=+\-@\t]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${written.join(',')}\r\n`;
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
