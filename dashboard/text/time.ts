const UNITS: readonly [name: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

/** A time as seen from now: `3 min. ago`, `in 2 hr.`, `now`. Times are ISO 8601, `now` is in ms since 1970. */
export function relativeTime(time: string, now: number): string {
  const seconds = Math.round((Date.parse(time) - now) / 1_000);
  if (Number.isNaN(seconds)) return time;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** How long until the relative time of a time changes, in ms. */
export function changesInMs(time: string, now: number): number {
  const age = Math.abs(Date.parse(time) - now);
  if (age < 60_000) return 1_000;
  return age < 3_600_000 ? 15_000 : 60_000;
}

/** A time to the millisecond, in the zone of the reader: `2026-11-30 20:19:04.123 GMT+1`. */
export function exactTime(time: string, zone?: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const parts = new Intl.DateTimeFormat('en-CA', {
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hourCycle: 'h23' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
    timeZoneName: 'short',
    timeZone: zone,
  }).formatToParts(date);
  const of = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((part) => part.type === type)?.value ?? '';
  const day = `${of('year')}-${of('month')}-${of('day')}`;
  const clock = `${of('hour')}:${of('minute')}:${of('second')}.${of('fractionalSecond')}`;
  return `${day} ${clock} ${of('timeZoneName')}`;
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
