/** A count with thousands apart: `12,345`, or `10,000+` if there may be more. */
export function count(value: number, isCapped = false): string {
  return `${grouped(value)}${isCapped ? '+' : ''}`;
}

/** Whole numbers with thousands apart. Without Intl, whose first formatter delays the first page. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 task`, `2 tasks`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${grouped(value)} ${value === 1 ? one : many}`;
}

/** A rate or an amount with at most three digits that matter: `0.02`, `1.5`, `340`, `12.3k`. */
export function short(value: number): string {
  if (value >= 1_000_000) return `${trimmed(value / 1_000_000)}M`;
  if (value >= 10_000) return `${trimmed(value / 1_000)}k`;
  return trimmed(value);
}

function trimmed(value: number): string {
  if (value === 0) return '0';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

/** A part of one as a percentage: `99.5 %`. Never rounded up to all. */
export function percent(part: number): string {
  const floored = Math.floor(part * 1_000) / 10;
  return `${floored} %`;
}

/** The start and the end of a long text, such as an id. */
export function shortId(id: string): string {
  return id.length <= 13 ? id : `${id.slice(0, 8)}…${id.slice(-4)}`;
}

/** The first line of a text, cut to `length` characters. */
export function firstLine(text: string, length = 160): string {
  const [line = ''] = text.split('\n', 1);
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}
