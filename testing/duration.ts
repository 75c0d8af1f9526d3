const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};
const TEXT = /^(?<count>\d+(?:\.\d+)?) ?(?<unit>ms|second|minute|hour|day|week)s?$/;

/** A duration: milliseconds, or a text such as `2 days`. */
export type Duration =
  | number
  | `${number} ${'ms' | `${'second' | 'minute' | 'hour' | 'day' | 'week'}${'' | 's'}`}`;

/** The milliseconds of a duration. Throws a TypeError that shows what is accepted. */
export function msOf(duration: Duration): number {
  const { count, unit = '' } = TEXT.exec(String(duration))?.groups ?? {};
  const ms = typeof duration === 'number' ? duration : Number(count) * (UNITS[unit] ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new TypeError(
    `${JSON.stringify(duration)} is not a duration: give milliseconds, or a text such as '90 seconds', '1 hour' or '2 days'`,
  );
}

const MOMENT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/** A moment that a test chooses. Throws a TypeError that shows what is accepted. */
export function momentOf(given: Date | string): Date {
  const moment = given instanceof Date || MOMENT.test(given) ? new Date(given) : null;
  if (moment !== null && !Number.isNaN(moment.getTime())) return moment;
  throw new TypeError(
    `at: ${given instanceof Date ? 'an invalid Date' : JSON.stringify(given)} is not a moment: give a Date, or a text with its offset such as '2026-03-29T01:59:00+01:00'`,
  );
}
