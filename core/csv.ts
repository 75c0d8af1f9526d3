/** The end of a line (RFC 4180). */
const LINE_END = '\r\n';
/** A spreadsheet takes a text that begins with one of these for a formula. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
/** A cell with one of these stands in quotes. */
const QUOTED = /["',\r\n\t]|^\s|\s$/;

/**
 * A line of CSV (RFC 4180) with these values. Null becomes an empty cell, and lists and objects become
 * JSON. A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV
 * Injection). A number stays as it is.
 */
export function csvLine(values: readonly unknown[]): string {
  return values.map(cell).join(',') + LINE_END;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const guarded = FORMULA.test(text) ? `'${text}` : text;
  return QUOTED.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
