/** The first and the last time that the wire can represent. */
const FIRST = '0001-01-01T00:00:00.000Z';
const LAST = '9999-12-31T23:59:59.999Z';

/**
 * Converts a time as Postgres writes it, in a column or within JSON, to ISO 8601 in UTC. It never
 * throws, so that one unusual row does not fail a list. A time that the wire cannot represent
 * (infinity, years before 1 and after 9999) becomes the nearest one that it can.
 */
export function isoTime(text: string): string {
  const nearest = isUsual(text) ? null : nearestOf(text);
  if (nearest !== null) return nearest;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return FIRST;
  return time.getUTCFullYear() > 9_999 ? LAST : time.toISOString();
}

/** Nearly all times are in this millennium or the one before, and each answer has several. */
function isUsual(text: string): boolean {
  return /^[12]\d{3}-/.test(text) && !text.endsWith('BC');
}

/** The nearest time, if `Date` would not read the text as Postgres means it; otherwise null. */
function nearestOf(text: string): string | null {
  if (text === '-infinity' || text.endsWith('BC')) return FIRST;
  if (text === 'infinity' || /^\d{5}/.test(text)) return LAST;
  // `Date` moves a year before 100 to this century or the last.
  return text.startsWith('00') ? FIRST : null;
}
