const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A duration in milliseconds for people: `120 ms`, `1.2 s`, `2 min 3 s`, `3 h 4 min`, `2 d 3 h`. */
export function toDuration(ms: number): string {
  if (ms < 0) return `-${toDuration(-ms)}`;
  if (ms < SECOND && Math.round(ms) < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND && Math.round(ms / 100) < 100) return `${(ms / SECOND).toFixed(1)} s`;
  if (Math.round(ms / SECOND) < 60) return `${Math.round(ms / SECOND)} s`;
  if (Math.round(ms / SECOND) < 3_600) return inTwo(Math.round(ms / SECOND), 60, 'min', 's');
  if (Math.round(ms / MINUTE) < 24 * 60) return inTwo(Math.round(ms / MINUTE), 60, 'h', 'min');
  return inTwo(Math.round(ms / HOUR), 24, 'd', 'h');
}

function inTwo(value: number, base: number, large: string, small: string): string {
  const rest = value % base;
  return `${Math.floor(value / base)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** A duration in seconds, as the statistics of the API give it; `-` for null. */
export function toSeconds(seconds: number | null): string {
  return seconds === null ? '-' : toDuration(seconds * SECOND);
}

/** An age in milliseconds in a few characters, for columns: `3s`, `5m`, `2h`, `4d`. A time to come has a `+`. */
export function toAge(ms: number): string {
  if (ms <= -SECOND) return `+${toAge(-ms)}`;
  const size = Math.max(0, ms);
  if (size < 2 * MINUTE) return `${Math.floor(size / SECOND)}s`;
  if (size < 2 * HOUR) return `${Math.floor(size / MINUTE)}m`;
  if (size < 2 * DAY) return `${Math.floor(size / HOUR)}h`;
  return `${Math.floor(size / DAY)}d`;
}

/** The age of a time (ISO 8601) in a few characters; `-` for null. */
export function ageOf(time: string | null, now = Date.now()): string {
  return time === null ? '-' : toAge(now - Date.parse(time));
}

/** A time (ISO 8601) in the time zone of this process: `2026-11-30 14:09:56`. */
export function toLocalTime(time: string): string {
  const date = new Date(time);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')}`;
}

/** The time of day in the same time zone, with milliseconds: `14:09:56.123`. */
export function toClock(time: string): string {
  const ms = String(new Date(time).getMilliseconds()).padStart(3, '0');
  return `${toLocalTime(time).slice(-8)}.${ms}`;
}

/** A time for people, with its distance from now: `2026-11-30 14:09:56 (3 min 2 s ago)`. */
export function toMoment(time: string, now = Date.now()): string {
  const ms = now - Date.parse(time);
  const distance = ms < 0 ? `in ${toDuration(-ms)}` : `${toDuration(ms)} ago`;
  return `${toLocalTime(time)} (${distance})`;
}

/** A number with separators: `12,345`. */
export function toCount(value: number): string {
  return value.toLocaleString('en-US');
}

/** A number of things, in the singular or with an s: `1 task`, `12,345 tasks`. */
export function toNumberOf(value: number, thing: string): string {
  return `${toCount(value)} ${thing}${value === 1 ? '' : 's'}`;
}

/** A part from 0 to 1 in percent; `-` for null. A part that is nearly all is never shown as 100 %. */
export function toPercent(part: number | null): string {
  if (part === null) return '-';
  const percent = Math.floor(part * 1_000) / 10;
  return `${Number.isInteger(percent) ? percent : percent.toFixed(1)}%`;
}

/** A rate per second: `0.25/s`, `12.3/s`, `1,200/s`. */
export function toRate(perSecond: number): string {
  if (perSecond >= 100) return `${toCount(Math.round(perSecond))}/s`;
  return `${Number(perSecond.toFixed(perSecond >= 10 ? 1 : 2))}/s`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
