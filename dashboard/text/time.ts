// Without Intl: its first formatter of each kind costs a browser 10 to 20 ms, which is a tenth of the time until the
// first page can be used.

const UNITS: readonly [name: string, names: string, seconds: number][] = [
  ['day', 'days', 86_400],
  ['hr.', 'hr.', 3_600],
  ['min.', 'min.', 60],
  ['sec.', 'sec.', 1],
];

/** A time as seen from now: `3 min. ago`, `in 2 hr.`, `now`. Times are ISO 8601, `now` is in ms since 1970. */
export function relativeTime(time: string, now: number): string {
  const seconds = Math.round((Date.parse(time) - now) / 1_000);
  if (Number.isNaN(seconds)) return time;
  if (seconds === 0) return 'now';
  const age = Math.abs(seconds);
  const [one, many, size] = UNITS.find(([, , length]) => age >= length) ?? ['sec.', 'sec.', 1];
  const count = Math.trunc(age / size);
  if (one === 'day' && count === 1) return seconds < 0 ? 'yesterday' : 'tomorrow';
  const amount = `${count} ${count === 1 ? one : many}`;
  return seconds < 0 ? `${amount} ago` : `in ${amount}`;
}

/** A time to the millisecond, in the zone of the reader: `2026-11-30 20:19:04.123 UTC+1`. */
export function exactTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${dayOf(date)} ${clockOf(date)}:${two(date.getSeconds())}.${ms} ${zoneOf(date)}`;
}

/** The day of a date in the zone of the reader: `2026-11-30`. */
function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The time of a date in the zone of the reader: `20:19`. */
export function clockOf(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The day of a date in few characters: `30 Nov`. */
export function shortDayOf(date: Date): string {
  return `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''}`;
}

function zoneOf(date: Date): string {
  const ahead = -date.getTimezoneOffset();
  if (ahead === 0) return 'UTC';
  const [hours, minutes] = [Math.floor(Math.abs(ahead) / 60), Math.abs(ahead) % 60];
  return `UTC${ahead < 0 ? '-' : '+'}${hours}${minutes === 0 ? '' : `:${two(minutes)}`}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** A duration: `340 ms`, `1.2 s`, `3 m 20 s`, `2 h 5 m`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1_000);
  const [day, hour, minute] = [86_400, 3_600, 60];
  if (seconds < hour) return pair(Math.floor(seconds / minute), 'm', seconds % minute, 's');
  if (seconds < day) return pair(Math.floor(seconds / hour), 'h', Math.floor((seconds % hour) / minute), 'm');
  return pair(Math.floor(seconds / day), 'd', Math.floor((seconds % day) / hour), 'h');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

const SPANS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The milliseconds of a span such as `15m`, `24h` or `7d`; null if it is none. */
export function spanMs(span: string): number | null {
  const { count, unit } = /^(?<count>[1-9]\d{0,3})(?<unit>[mhd])$/.exec(span)?.groups ?? {};
  const size = SPANS[unit ?? ''];
  return size === undefined ? null : Number(count) * size;
}

/** The start of a span that ends now, on a full minute, so that a query does not change all the time. */
export function startOfSpan(span: string, now: number): string | undefined {
  const ms = spanMs(span);
  if (ms === null) return undefined;
  return new Date(Math.floor((now - ms) / 60_000) * 60_000).toISOString();
}
